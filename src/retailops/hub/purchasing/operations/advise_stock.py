"""Vendors tell what they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from retailops.hub.audit.operations.record import record
from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.db import columns_of, fetch, unit_of_work
from retailops.hub.orders.operations.count_lines import lock_orders
from retailops.hub.orders.operations.wake_routing import backordered, wake_backorders


@dataclass(frozen=True, slots=True)
class StockAdvice:
    """An absolute quantity of a VPC. `as_of` is when the vendor took it; `None`: now."""

    vpc: str
    quantity: int
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class AdviceResult:
    """VPCs whose advice was taken over, whose advice was older than ours, and that we don't know."""

    accepted: Sequence[str]
    outdated: Sequence[str]
    unknown: Sequence[str]


@unit_of_work
def advise_stock(*, vendor_id: int, advice: Sequence[StockAdvice], actor: str) -> AdviceResult:
    """Take over a vendor's advice. The newest figure of a VPC counts; an older one that arrives late is ignored.

    A figure from the future counts as of now: a vendor's wrong clock must not outlast its later advice.
    """
    latest = sorted({item.vpc: item for item in advice}.values(), key=lambda item: item.vpc)
    skus = fetch(
        "SELECT sku_id FROM purchasing_vendorsku WHERE vendor_id = %s AND vpc = ANY(%s)",
        [vendor_id, [item.vpc for item in latest]],
    )
    lock_orders(backordered(sku_ids={row[0] for row in skus}))
    known = fetch(
        "SELECT vpc FROM purchasing_vendorsku WHERE vendor_id = %s AND vpc = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
        [vendor_id, [item.vpc for item in latest]],
    )
    rows = fetch(
        """UPDATE purchasing_vendorsku vs SET advised_quantity = a.quantity, advised_at = a.as_of
           FROM (SELECT vpc, quantity, least(coalesce(as_of, now()), now()) AS as_of
                 FROM unnest(%s::text[], %s::int[], %s::timestamptz[]) AS u (vpc, quantity, as_of)) a,
                purchasing_vendorsku old
           WHERE vs.vendor_id = %s AND vs.vpc = a.vpc AND old.id = vs.id
             AND (vs.advised_at IS NULL OR vs.advised_at <= a.as_of)
           RETURNING vs.vpc, vs.sku_id, coalesce(old.advised_quantity, 0) < a.quantity""",
        [*columns_of([(item.vpc, item.quantity, item.as_of) for item in latest], 3), vendor_id],
    )
    wake_backorders(sku_ids={row[1] for row in rows if row[2]})
    publish_inventory(sku_ids={row[1] for row in rows})
    known_vpcs = {row[0] for row in known}
    unknown = sorted({item.vpc for item in latest} - known_vpcs)
    record(
        actor=actor,
        action="vendor.advise",
        subject=f"vendor:{vendor_id}",
        data={"advised": len(rows), "unknown": unknown[:20], "unknown_count": len(unknown)},
    )
    accepted = {row[0] for row in rows}
    return AdviceResult(accepted=sorted(accepted), outdated=sorted(known_vpcs - accepted), unknown=unknown)
