"""The customers of a sales file: their invoices are ordered at the storefront, their credit notes brought back."""

from __future__ import annotations

from itertools import islice

import httpx

from retailops.client import CallFailed
from retailops.demo.api import Api
from retailops.demo.catalog import EAST
from retailops.demo.csv_replay import FileOrder, FileReturn, Replay
from retailops.demo.day import Day
from retailops.demo.watch import HubOrder, Watch

BULK_SIZE = 25


class FileShoppers:
    """Places all orders of a file; `play` returns when the file is read."""

    def __init__(self, day: Day, storefront: httpx.Client, replay: Replay) -> None:
        self._day = day
        self._http = storefront
        self._replay = replay

    def play(self) -> None:
        """Order everything, in the sequence of the file."""
        orders = self._replay.orders()
        while not self._day.stop.is_set() and (batch := list(islice(orders, BULK_SIZE))):
            self._place(batch)
        self._day.shopping_over.set()

    def _place(self, orders: list[FileOrder]) -> None:
        response = self._http.post("/shop/orders/bulk", json={"orders": [order.body for order in orders]})
        response.raise_for_status()
        refused = {problem["index"]: problem for problem in response.json()["refused"]}
        for index, order in enumerate(orders):
            if index in refused:
                self._replay.refused(
                    order.rows, f"the storefront refused the order: {refused[index].get('error', 'sold out')}"
                )
            else:
                self._replay.placed(order)
                self._day.placed.add(order.refnum)
                self._day.tally.add("placed")


class ReturnsDesk:
    """Takes back what the file's credit notes name, as soon as the order they are of has shipped."""

    def __init__(self, day: Day, api: Api, watch: Watch, replay: Replay) -> None:
        self._day = day
        self._api = api
        self._watch = watch
        self._replay = replay
        self._open: list[FileReturn] = []
        self._seen = 0

    def step(self) -> bool:
        """Receive what can be received; returns whether there was anything."""
        known = self._replay.returns
        self._open += known[self._seen :]
        self._seen = len(known)
        orders = self._watch.orders()
        ended = [each for each in self._open if each.refnum in orders and orders[each.refnum].has_ended]
        for each in ended:
            self._receive(each, orders[each.refnum])
        self._open = [each for each in self._open if each not in ended]
        return bool(ended)

    def finish(self) -> None:
        """Give up what could not be received: the order it is of never shipped."""
        self.step()
        for each in self._open:
            self._replay.refused(each.rows, "credit note: the order it is of has not shipped")
        self._open = []

    def _receive(self, received: FileReturn, order: HubOrder) -> None:
        lines = {line.item_refnum: line.id for line in order.lines}
        items = [
            {"order_line_id": lines[refnum], "quantity": units, "reason": "credit note"}
            for refnum, units in received.items.items()
        ]
        try:
            self._api.call(
                "Customer.Return.Receive", rma=received.rma, order_id=order.id, facility=EAST, items=items
            )
        except CallFailed as error:
            self._replay.refused(received.rows, f"credit note refused: {error.message} ({error.code})")
        else:
            self._replay.received(received)
            self._day.tally.add("returned")
