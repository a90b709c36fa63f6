"""What vendors can still supply."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from retailops.hub.db import Row, fetch
from retailops.hub.purchasing.rules import Advice, external_available


@dataclass(frozen=True, slots=True)
class VendorOffer:
    """A vendor's product code for a SKU and what is available of it, in units of the SKU."""

    vendor_sku_id: int
    vendor_id: int
    vendor_name: str
    sku_id: int
    cost: Decimal
    currency: str
    priority: int
    advised: int
    available: int
    stale: bool


def vendor_offers(*, sku_ids: Collection[int], lock: bool = False) -> list[VendorOffer]:
    """Return the offers of enabled vendors for SKUs.

    With `lock`, the vendor SKUs stay locked until the commit, so that nobody else can promise the same units; the
    figures are read after the locks were taken.
    """
    ids = sorted(set(sku_ids))
    if lock:
        fetch(
            "SELECT id FROM purchasing_vendorsku WHERE sku_id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [ids]
        )
    rows = fetch(
        """SELECT vs.id, v.id, v.name, vs.sku_id, vs.cost, vs.currency, v.priority, coalesce(vs.advised_quantity, 0),
               coalesce((SELECT sum(i.quantity - i.cancelled) FROM purchasing_poitem i JOIN purchasing_purchaseorder po
                   ON po.id = i.po_id AND po.kind = 'dropship'
                 WHERE i.vendor_sku_id = vs.id AND (i.decremented_at IS NULL OR i.decremented_at >
                   vs.advised_at - make_interval(secs => v.feed_latency_seconds))), 0)::bigint,
               (extract(epoch FROM now() - vs.advised_at) / 3600)::float, v.fresh_hours, v.expiry_hours, v.buffer
           FROM purchasing_vendorsku vs JOIN purchasing_vendor v ON v.id = vs.vendor_id
           WHERE vs.sku_id = ANY(%s) AND vs.active AND v.enabled ORDER BY vs.id""",
        [ids],
    )
    return [_offer(row) for row in rows]


def _offer(row: Row) -> VendorOffer:
    (
        vendor_sku_id,
        vendor_id,
        name,
        sku_id,
        cost,
        currency,
        priority,
        advised,
        reserved,
        age,
        fresh,
        expiry,
        buffer,
    ) = row
    advice = Advice(advised, reserved, age, fresh, expiry, buffer)
    return VendorOffer(
        vendor_sku_id=vendor_sku_id,
        vendor_id=vendor_id,
        vendor_name=name,
        sku_id=sku_id,
        cost=cost,
        currency=currency,
        priority=priority,
        advised=advice.advised,
        available=external_available(advice),
        stale=advice.age_hours is None or advice.age_hours >= advice.expiry_hours,
    )
