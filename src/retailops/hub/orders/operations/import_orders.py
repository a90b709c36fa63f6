"""Take over orders from a channel: new ones are stored, known ones compared, nothing is ever stored twice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from retailops.hub.catalog.queries import find_skus
from retailops.hub.db import columns_of, fetch, unit_of_work
from retailops.hub.orders.operations.log_events import log_events
from retailops.hub.orders.operations.reimport_orders import reimport_orders
from retailops.hub.orders.operations.write_order_parts import write_addresses, write_holds, write_lines
from retailops.hub.orders.rules import IncomingOrder, OrderFacts, derive_status
from retailops.hub.tasks.operations.enqueue_tasks import NewTask, enqueue_tasks

ORDER_ACKNOWLEDGE = "order_acknowledge"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of the orders of one call, by their channel refnums. `touched_skus` have a new open demand."""

    created: Mapping[str, int] = field(default_factory=dict)
    unchanged: Mapping[str, int] = field(default_factory=dict)
    changed: Mapping[str, int] = field(default_factory=dict)
    cancel_requested: Mapping[str, int] = field(default_factory=dict)
    rejected: Mapping[str, str] = field(default_factory=dict)
    touched_skus: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class ChannelRef:
    """What importing needs to know of a channel."""

    id: int
    queue_id: int
    acknowledges: bool


@unit_of_work
def import_orders(*, channel: ChannelRef, orders: Sequence[IncomingOrder], actor: str) -> ImportResult:
    """Import orders and queue their acknowledgement, in a number of statements that doesn't grow with them.

    Unknown SKUs, bad addresses and payment problems become holds. An order that can't be stored at all is in
    `rejected` with its reason. A known order is acknowledged again, since the channel would not offer it otherwise;
    one whose content changed is replaced while nothing has been done about it, and put on hold after that.
    """
    unique = {order.channel_refnum: order for order in reversed(orders)}
    rejected = {ref: reason for ref, order in unique.items() if (reason := order.unacceptable())}
    incoming = {ref: order for ref, order in sorted(unique.items()) if ref not in rejected}
    skus = find_skus({line.sku_code for order in incoming.values() for line in order.lines})
    holds = {ref: order.find_holds(skus) for ref, order in incoming.items()}
    created = _insert_orders(channel, incoming, holds)
    new = {order_id: incoming[ref] for ref, order_id in created.items()}
    write_lines(new, skus)
    write_addresses(new)
    write_holds({created[ref]: holds[ref] for ref in created}, actor)
    log_events([(order_id, "imported", {}) for order_id in new], actor=actor)
    known = reimport_orders(
        channel_id=channel.id,
        orders=[order for ref, order in incoming.items() if ref not in created],
        skus=skus,
        actor=actor,
    )
    if channel.acknowledges:
        _queue_acknowledgements(channel, [*created.values(), *known.all_ids])
    touched = {skus[line.sku_code] for order in new.values() for line in order.lines if line.sku_code in skus}
    return ImportResult(
        created=created,
        unchanged=known.unchanged,
        changed=known.changed,
        cancel_requested=known.cancel_requested,
        rejected=rejected,
        touched_skus=frozenset(touched | known.touched_skus),
    )


def _insert_orders(
    channel: ChannelRef, orders: Mapping[str, IncomingOrder], holds: Mapping[str, Mapping[str, str]]
) -> dict[str, int]:
    """Insert those that are new; the unique (channel, refnum) decides, also between two imports at once."""
    rows = []
    for ref, order in orders.items():
        units = sum(line.quantity for line in order.lines if line.item_type == "ship")
        facts = OrderFacts(ordered=units, open=units, planned=0, shipped=0, on_hold=bool(holds[ref]))
        rows.append(
            (
                channel.id,
                ref,
                derive_status(facts),
                order.currency,
                order.ship_service_code,
                order.gift_message,
                order.ip_address,
                order.shipping_amt,
                order.tax_amt,
                order.discount_amt,
                order.grand_total,
                json.dumps(order.attributes),
                json.dumps(order.tags),
                order.content_hash,
                order.channel_created_at,
            )
        )
    inserted = fetch(
        """INSERT INTO orders_order (channel_id, channel_refnum, status, currency, ship_service_code, gift_message,
               ip_address, shipping_amt, tax_amt, discount_amt, grand_total, attributes, tags, content_hash,
               channel_created_at)
           SELECT channel_id, ref, status, currency, ship, gift, ip, shipping, tax, discount, total, attributes::jsonb,
               ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)), hash, created
           FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::numeric[],
               %s::numeric[], %s::numeric[], %s::numeric[], %s::text[], %s::text[], %s::text[], %s::timestamptz[])
             AS o (channel_id, ref, status, currency, ship, gift, ip, shipping, tax, discount, total, attributes, tags,
               hash, created)
           ON CONFLICT (channel_id, channel_refnum) DO NOTHING RETURNING channel_refnum, id""",
        columns_of(rows, 15),
    )
    return {row[0]: row[1] for row in inserted}


def _queue_acknowledgements(channel: ChannelRef, order_ids: Sequence[int]) -> None:
    enqueue_tasks(
        [
            NewTask(
                channel.queue_id, f"order:{order_id}", ORDER_ACKNOWLEDGE, "acknowledge", order_id, order_id
            )
            for order_id in order_ids
        ]
    )
