"""A facility or a vendor refuses to ship: the units are open again and that source is not asked again for the line."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.db import columns_of, execute, fetch, unit_of_work
from retailops.hub.fulfilment.operations.cancel_orders import cancel_lines
from retailops.hub.fulfilment.operations.withdraw_items import withdraw_items
from retailops.hub.orders.operations.count_lines import lock_orders, recompute_orders
from retailops.hub.orders.operations.log_events import log_events
from retailops.hub.orders.operations.wake_routing import wake_routing


@unit_of_work
def reject_shipment_items(*, quantities: Mapping[int, int], actor: str, reason: str) -> None:
    """Take units (shipment item → units) back from the sources that refuse them, and route them elsewhere.

    Units of a vendor whose remainders are not routed again are cancelled instead. Raises `NotPlannedError`.
    """
    rows = fetch(
        """SELECT i.id, i.order_line_id, s.order_id, s.facility_id, s.vendor_id,
               s.vendor_id IS NOT NULL AND NOT coalesce(v.reroute_remainder, true)
           FROM fulfilment_shipmentitem i JOIN fulfilment_shipment s ON s.id = i.shipment_id
           LEFT JOIN purchasing_vendor v ON v.id = s.vendor_id WHERE i.id = ANY(%s)""",
        [sorted(quantities)],
    )
    order_ids = lock_orders({row[2] for row in rows})
    touched = withdraw_items(quantities=quantities, actor=actor, reason=reason, by_vendor=True)
    execute(
        """INSERT INTO fulfilment_sourceexclusion (order_line_id, facility_id, vendor_id, reason)
           SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::text[])
           ON CONFLICT (order_line_id, facility_id, vendor_id) DO NOTHING""",
        columns_of([(row[1], row[3], row[4], reason[:200]) for row in rows], 4),
    )
    log_events([(row[2], "units_refused", {"item": row[0], "reason": reason}) for row in rows], actor=actor)
    recompute_orders(order_ids)
    given_up: dict[int, int] = defaultdict(int)
    for item_id, line_id, *_, is_cancelled in rows:
        given_up[line_id] += quantities[item_id] if is_cancelled else 0
    given_up = {line_id: units for line_id, units in given_up.items() if units}
    if given_up:
        cancel_lines(quantities=given_up, actor=actor, reason=reason)
    wake_routing(order_ids=order_ids)
    publish_inventory(sku_ids=touched)
