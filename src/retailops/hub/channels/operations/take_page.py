"""Take over a page of orders that a channel handed out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import DataError, IntegrityError

from retailops.contract.pull import PulledOrder
from retailops.contract.pull_page import RejectedOrder
from retailops.hub.channels.incoming import map_order
from retailops.hub.channels.operations.cancel_for_channel import cancel_for_channel
from retailops.hub.channels.operations.record_rejections import record_rejections
from retailops.hub.db import unit_of_work
from retailops.hub.orders.operations.import_orders import ChannelRef, import_orders
from retailops.hub.orders.rules import IncomingOrder
from retailops.hub.payments.operations.record_transactions import record_incoming


@dataclass(slots=True)
class TakenPage:
    """Orders stored (refnum → id), orders rejected (refnum → reason), SKUs whose availability changed."""

    imported: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, str] = field(default_factory=dict)
    touched_skus: set[int] = field(default_factory=set)


@unit_of_work
def take_page(
    *, channel: ChannelRef, orders: Sequence[PulledOrder], unreadable: Sequence[RejectedOrder], actor: str
) -> TakenPage:
    """Import what can be imported, list what can't; one bad order never costs the others.

    All orders are stored together. Only if the data of one of them trips a statement each is tried by itself. The
    caller publishes `touched_skus` as its last step.
    """
    taken = TakenPage(rejected=_reasons(unreadable))
    incoming: list[IncomingOrder] = []
    for order in orders:
        try:
            incoming.append(map_order(order))
        except ValueError as error:
            taken.rejected[order.channel_order_refnum] = str(error)
    try:
        _import(channel, incoming, actor, taken)
    except (DataError, IntegrityError):
        for each in incoming:
            try:
                _import(channel, [each], actor, taken)
            except (DataError, IntegrityError) as error:
                taken.rejected[each.channel_refnum] = f"it could not be stored: {_first_line(error)}"
    record_rejections(channel_id=channel.id, rejected=taken.rejected, imported=taken.imported)
    return taken


def _import(channel: ChannelRef, orders: Sequence[IncomingOrder], actor: str, taken: TakenPage) -> None:
    """Store orders in one savepoint; `taken` is changed only if all went well."""
    result = _store(channel, orders, actor)
    taken.imported |= result.imported
    taken.rejected |= result.rejected
    taken.touched_skus |= result.touched_skus


@unit_of_work
def _store(channel: ChannelRef, orders: Sequence[IncomingOrder], actor: str) -> TakenPage:
    result = import_orders(channel=channel, orders=orders, actor=actor)
    offered: Mapping[str, IncomingOrder] = {order.channel_refnum: order for order in orders}
    record_incoming(orders={order_id: offered[ref] for ref, order_id in result.created.items()})
    born_cancelled = [order_id for ref, order_id in result.created.items() if offered[ref].cancel]
    cancel_for_channel(order_ids=[*result.cancel_requested.values(), *born_cancelled], actor=actor)
    return TakenPage(
        imported={**result.created, **result.unchanged, **result.changed, **result.cancel_requested},
        rejected=dict(result.rejected),
        touched_skus=set(result.touched_skus),
    )


def _reasons(unreadable: Sequence[RejectedOrder]) -> dict[str, str]:
    """Orders without a readable refnum share one entry."""
    reasons: dict[str, str] = {}
    for order in unreadable:
        refnum = order.channel_order_refnum or ""
        reason = "; ".join(f"{violation.path} {violation.message}" for violation in order.violations)
        reasons[refnum] = f"{reasons[refnum]}; {reason}" if refnum in reasons else reason
    return reasons


def _first_line(error: Exception) -> str:
    """What the database says without its DETAIL, which quotes values."""
    return str(error).partition("\n")[0]
