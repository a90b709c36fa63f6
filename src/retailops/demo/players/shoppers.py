"""Shoppers order at the storefront, one by one and in bursts; some change their minds at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import httpx

from retailops.demo.day import Day
from retailops.demo.scenario import BULK_SIZE, Fate, PlannedOrder

#: Shoppers who meet "sold out" come back this often, this many seconds apart: the shelf may have been filled.
TRIES = 8
PAUSE_SECONDS = 1.0
#: Every so many bursts, a few shoppers order one by one.
SINGLES = 3


class Shoppers:
    """All shoppers of the day; `play` returns when each has ordered or given up."""

    def __init__(self, day: Day, storefront: httpx.Client) -> None:
        self._day = day
        self._http = storefront
        self._tries: dict[str, int] = {}

    def play(self) -> None:
        """Place the planned orders; those sold out are tried again a few times."""
        waiting: Sequence[PlannedOrder] = self._day.plan
        while waiting and not self._day.stop.is_set():
            turned_away: list[PlannedOrder] = []
            for number, batch in enumerate(_batches(waiting)):
                if self._day.stop.is_set():
                    break
                if number % 2:
                    turned_away += [order for order in batch[:SINGLES] if not self._place_one(order)]
                    batch = batch[SINGLES:]  # noqa: PLW2901 - the rest of them comes in a burst
                turned_away += self._place_many(batch)
            waiting = [order for order in turned_away if self._comes_back(order)]
            if waiting:
                self._day.stop.wait(PAUSE_SECONDS)
        self._day.shopping_over.set()

    def _comes_back(self, order: PlannedOrder) -> bool:
        # Nobody makes more of the scarce print.
        tries = self._tries[order.refnum] = self._tries.get(order.refnum, 0) + 1
        if tries < TRIES and order.fate is not Fate.SOLD_OUT:
            return True
        self._day.tally.add("sold out")
        return False

    def _place_one(self, order: PlannedOrder) -> bool:
        response = self._http.post("/shop/orders", json=order.body)
        if response.status_code == httpx.codes.CONFLICT:
            return False
        response.raise_for_status()
        self._note(order)
        return True

    def _place_many(self, orders: Sequence[PlannedOrder]) -> list[PlannedOrder]:
        if not orders:
            return []
        response = self._http.post("/shop/orders/bulk", json={"orders": [order.body for order in orders]})
        response.raise_for_status()
        refused = response.json()["refused"]
        for problem in refused:
            if "error" in problem:
                self._day.tally.trouble(
                    f"the storefront refused {orders[problem['index']].refnum}: {problem['error']}"
                )
        indexes = {problem["index"] for problem in refused}
        for index, order in enumerate(orders):
            if index not in indexes:
                self._note(order)
        return [orders[problem["index"]] for problem in refused if "sold_out" in problem]

    def _note(self, order: PlannedOrder) -> None:
        self._day.placed.add(order.refnum)
        self._day.tally.add("placed")
        if order.fate is Fate.CANCELLED_BY_SHOPPER:
            response = self._http.post(f"/shop/orders/{order.refnum}/cancel", json={})
            too_late = response.status_code == httpx.codes.CONFLICT
            self._day.tally.add("shopper too late to cancel" if too_late else "cancelled by the shopper")


def _batches(orders: Sequence[PlannedOrder]) -> Iterator[list[PlannedOrder]]:
    rest = iter(orders)
    while batch := list(islice(rest, BULK_SIZE)):
        yield batch
