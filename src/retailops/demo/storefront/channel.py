"""The channel endpoint: key, faults, effect, journal, for each of the twelve interactions."""

import asyncio
import hmac
import json
from collections.abc import Callable

from retailops.demo.storefront.call import Call, Handler, Outcome
from retailops.demo.storefront.faults import BEFORE_EFFECT, Fault, Faults, instead_of_effect, spoil
from retailops.demo.storefront.orders import (
    order_acknowledge,
    order_cancel,
    order_complete,
    order_shipment_submit,
    order_update,
)
from retailops.demo.storefront.payments import order_returned, order_settle_payment, payment_credit
from retailops.demo.storefront.pull import OrderPull
from retailops.demo.storefront.stock import catalog_get_config, catalog_push, inventory_push
from retailops.demo.storefront.store import Store, now
from retailops.demo.storefront.wire import BadRequestError, Fields, Response, json_response, parse_object

# Their replies have no place for events.
_WITHOUT_EVENTS = {"catalog_get_config", "order_pull", "payment_credit"}


CallerLeft = Callable[[], bool]


class Channel:
    """Answers the hub and notes every call in the journal."""

    def __init__(self, store: Store, *, key: str, page_size: int, faults: Faults) -> None:
        self.faults = faults
        self._store = store
        self._key = key.encode()
        self._sequence = store.number("SELECT max(sequence) FROM journal")
        self._in_flight: list[tuple[Call, CallerLeft]] = []
        self._handlers: dict[str, Handler] = {
            "catalog_get_config": catalog_get_config,
            "catalog_push": catalog_push,
            "inventory_push": inventory_push,
            "order_acknowledge": order_acknowledge,
            "order_cancel": order_cancel,
            "order_complete": order_complete,
            "order_pull": OrderPull(key, page_size),
            "order_returned": order_returned,
            "order_settle_payment": order_settle_payment,
            "order_shipment_submit": order_shipment_submit,
            "order_update": order_update,
            "payment_credit": payment_credit,
        }

    def knows(self, interaction: str) -> bool:
        """Whether there is such an interaction."""
        return interaction in self._handlers

    async def answer(
        self, interaction: str, body: bytes, headers: dict[str, str], caller_left: CallerLeft
    ) -> Response:
        """Answer one call. ``caller_left`` tells whether the connection is gone."""
        self._sequence += 1
        call = Call(
            self._sequence,
            interaction,
            Fields({}),
            webhook_id=headers.get("webhook-id", ""),
            attempt=headers.get("webhook-attempt", ""),
        )
        arrived_at, fault = now(), self.faults.draw(interaction)
        try:
            call.body = Fields(parse_object(body))
            self._check_key(call.body)
            call.refnums = _refnums(interaction, call.body)
        except BadRequestError as error:
            self._note(call, arrived_at, "refused", error.status)
            return json_response({"error": str(error)}, error.status)
        earlier = [left for other, left in self._in_flight if not set(call.refnums).isdisjoint(other.refnums)]
        entry = (call, caller_left)
        self._in_flight.append(entry)
        try:
            # Calls that arrived at the same moment register now, and connections that ended show that they have.
            await asyncio.sleep(0)
            overlap = not all(left() for left in earlier)
            response = self._take_effect(call, arrived_at, fault, overlap=overlap)
            if fault and fault.name == "slow":
                await _wait(fault.argument / 1000, caller_left)
            return response
        finally:
            self._in_flight.remove(entry)

    def _check_key(self, body: Fields) -> None:
        given = body.values.get("integration_auth_token")
        text = given if isinstance(given, str) else ""
        if not hmac.compare_digest(text.encode(), self._key):
            raise BadRequestError(401, "integration_auth_token: missing or wrong; send this channel's key")

    def _take_effect(self, call: Call, arrived_at: str, fault: Fault | None, *, overlap: bool) -> Response:
        name = fault.name if fault else ""
        if fault and name in BEFORE_EFFECT:
            response = instead_of_effect(fault)
            self._note(call, arrived_at, "none", response.status, overlap=overlap, fault=name)
            return response
        outcome = Outcome()
        call.page_fault = name
        try:
            with self._store.transaction():
                reply = self._handlers[call.interaction](self._store, call, outcome)
                if call.interaction not in _WITHOUT_EVENTS:
                    reply = {"events": [*outcome.events], **reply}
                response = json_response(reply)
                response = spoil(fault, response) if fault else response
                self._note(
                    call,
                    arrived_at,
                    outcome.effect,
                    response.status,
                    overlap=overlap,
                    fault=name,
                    problems=outcome.problems,
                )
        except BadRequestError as error:
            self._note(call, arrived_at, "refused", error.status, overlap=overlap, fault=name)
            return json_response({"error": str(error)}, error.status)
        return response

    def _note(
        self,
        call: Call,
        arrived_at: str,
        effect: str,
        status: int,
        *,
        overlap: bool = False,
        fault: str = "",
        problems: list[str] | None = None,
    ) -> None:
        self._store.run(
            "INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(call.sequence, arrived_at, call.interaction, json.dumps(call.refnums)),
            *(call.webhook_id, call.attempt, status, effect, overlap, fault, json.dumps(problems or [])),
        )


def _refnums(interaction: str, body: Fields) -> tuple[str, ...]:
    """The orders a call is about. Pulling reads only, so it never counts as being in flight for an order."""
    if interaction == "order_acknowledge":
        named = [row.text("channel_order_refnum") for row in body.objects("orders")]
    elif interaction == "order_shipment_submit":
        named = [body.text("channel_order_refnum")]
    elif interaction.startswith("order_"):
        named = [body.object("order").text("channel_order_refnum")]
    else:
        named = []
    return tuple(dict.fromkeys(refnum for refnum in named if refnum))


async def _wait(seconds: float, caller_left: CallerLeft) -> None:
    """Wait, but not for a caller who has hung up: its call is no longer in flight."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while loop.time() < until and not caller_left():  # noqa: ASYNC110 - a stream tells no one that it ended
        await asyncio.sleep(min(0.02, until - loop.time()))
