"""Compares the hub with the storefront at the end of the day: every order once, and the same units and money on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import httpx

from retailops.client import Record
from retailops.demo.api import Api
from retailops.demo.watch import ENDED, HubOrder, read_order

PAGE = 200
SUMS = {
    "units shipped": "shipped",
    "units returned": "returned",
    "money captured": "captured",
    "money refunded": "refunded",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the comparison: what both sides say, and the orders on which they differ."""

    name: str
    hub: str
    storefront: str
    wrong: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether both sides agree on every order."""
        return not self.wrong


@dataclass(frozen=True, slots=True)
class ShopOrder:
    """An order as the storefront shows it."""

    refnum: str
    hub_id: int
    status: str
    shipped: int
    returned: int
    captured: Decimal
    refunded: Decimal
    cancel_requested: bool


def hub_orders(api: Api, refnums: Sequence[str]) -> list[HubOrder]:
    """Return the hub's orders of these refnums. Raises `RetailOpsError`."""
    return [
        read_order(record)
        for start in range(0, len(refnums), PAGE)
        for record in api.pages("Customer.Order.Fetch", refnums=refnums[start : start + PAGE], limit=PAGE)
    ]


def shop_orders(storefront: httpx.Client, refnums: Collection[str]) -> dict[str, ShopOrder]:
    """Return the storefront's orders of these refnums."""
    return {order["refnum"]: _shop_order(order) for order in _pages(storefront) if order["refnum"] in refnums}


def _pages(storefront: httpx.Client) -> Iterator[Record]:
    after = 0
    while True:
        # The journal is long and not asked for: it starts after a number that no call has.
        asked = {"orders_after": after, "limit": PAGE, "journal_after": 10**14}
        response = storefront.get("/admin/state", params=asked)
        response.raise_for_status()
        page = response.json()["orders"]
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1]["position"]


def _shop_order(order: Record) -> ShopOrder:
    return ShopOrder(
        refnum=order["refnum"],
        hub_id=order["hub_order_id"] or 0,
        status=order["status"],
        shipped=sum(item["shipped"] for item in order["items"]),
        returned=sum(item["returned"] for item in order["items"]),
        captured=Decimal(str(order["captured"])),
        refunded=Decimal(str(order["refunded"])),
        cancel_requested=order["cancel_requested"],
    )


def compare(placed: Collection[str], found: Sequence[HubOrder], shop: Mapping[str, ShopOrder]) -> list[Check]:
    """Compare both sides, order by order."""
    hub = {order.refnum: order for order in found}
    twice = [refnum for refnum, count in Counter(order.refnum for order in found).items() if count > 1]
    both = sorted(set(hub) & set(shop) & set(placed))
    missing = sorted(set(placed) - set(both))
    renamed = [refnum for refnum in both if hub[refnum].id != shop[refnum].hub_id]
    return [
        _check("orders, each once", len(found), len(shop), [*missing, *renamed, *twice]),
        _check(
            "orders ended",
            sum(hub[refnum].has_ended for refnum in both),
            sum(_ended(shop[refnum]) for refnum in both),
            [refnum for refnum in both if not _same_end(hub[refnum], shop[refnum])],
        ),
        *(
            _sums(
                name,
                {refnum: getattr(hub[refnum], field) for refnum in both},
                {refnum: getattr(shop[refnum], field) for refnum in both},
            )
            for name, field in SUMS.items()
        ),
    ]


def _ended(order: ShopOrder) -> bool:
    return order.status in ENDED or order.cancel_requested


def _same_end(hub: HubOrder, shop: ShopOrder) -> bool:
    """A shopper's own cancellation is not told back to the storefront."""
    if hub.status == "cancelled" and shop.cancel_requested:
        return True
    return (hub.status if hub.status in ENDED else "") == (shop.status if shop.status in ENDED else "")


def _sums(name: str, hub: Mapping[str, Decimal | int], shop: Mapping[str, Decimal | int]) -> Check:
    wrong = [refnum for refnum in hub if hub[refnum] != shop[refnum]]
    return _check(name, sum(hub.values()), sum(shop.values()), wrong)


def _check(name: str, hub: Decimal | int, shop: Decimal | int, wrong: Collection[str]) -> Check:
    form = ",.2f" if isinstance(hub, Decimal) else ","
    return Check(name, format(hub, form), format(shop, form), tuple(wrong))
