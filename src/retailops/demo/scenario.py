"""The plan of a trading day: which orders shoppers place, and what becomes of each. The same seed plans the same day."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from retailops.demo.catalog import SCARCE, SampleSku

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class Fate(StrEnum):
    """What is to become of an order."""

    PLAIN = "shipped"
    TWO_PACKAGES = "shipped in two packages"
    SHORT_SHIPPED = "short-shipped"
    EDITED_MORE = "edited: a line added"
    EDITED_LESS = "edited: fewer units"
    CANCELLED_BY_OPERATOR = "cancelled by the operator"
    CANCELLED_BY_SHOPPER = "cancelled by the shopper"
    UNKNOWN_SKU = "unknown SKU: cancelled"
    BAD_ADDRESS = "bad address: released"
    REFUSED_PAYMENT = "refused payment: cancelled"
    REFUNDED = "returned: refund"
    STORE_CREDIT = "returned: store credit"
    BACKORDERED = "backordered, then restocked"
    DROPSHIPPED = "shipped by the vendor"
    REJECTED_BY_VENDOR = "vendor could not ship"
    SOLD_OUT = "asked for the scarce print"


#: How often each comes up, of 100 orders; a day of as many orders as there are fates sees each once.
WEIGHTS = {
    Fate.PLAIN: 48,
    Fate.TWO_PACKAGES: 10,
    Fate.SHORT_SHIPPED: 3,
    Fate.EDITED_MORE: 3,
    Fate.EDITED_LESS: 3,
    Fate.CANCELLED_BY_OPERATOR: 3,
    Fate.CANCELLED_BY_SHOPPER: 3,
    Fate.UNKNOWN_SKU: 2,
    Fate.BAD_ADDRESS: 2,
    Fate.REFUSED_PAYMENT: 2,
    Fate.REFUNDED: 5,
    Fate.STORE_CREDIT: 2,
    Fate.BACKORDERED: 2,
    Fate.DROPSHIPPED: 9,
    Fate.REJECTED_BY_VENDOR: 2,
    Fate.SOLD_OUT: 1,
}
#: Orders that the operator must have seen to before anybody ships them.
OPERATOR_FIRST = frozenset({Fate.EDITED_MORE, Fate.EDITED_LESS, Fate.CANCELLED_BY_OPERATOR})
RETURNED = frozenset({Fate.REFUNDED, Fate.STORE_CREDIT})
BULK_SIZE = 25

_NAMES = ("Ada Park", "Ben Osei", "Cleo Marsh", "Dan Ruiz", "Eve Lind", "Finn Abe", "Gus Novak", "Ida Roy")
_CITIES = (("Springfield", "IL", "62701"), ("Dover", "DE", "19901"), ("Salem", "OR", "97301"))


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """An order as the shop takes it, and its fate."""

    refnum: str
    fate: Fate
    body: dict[str, Json]


def plan_day(*, orders: int, seed: int, run: int, catalog: Sequence[SampleSku]) -> list[PlannedOrder]:
    """Plan a day. `run` makes refnums that no earlier day in the same data directory used."""
    rng = random.Random(f"{seed}:{run}")  # noqa: S311 - a plan, no secret
    fates = list(WEIGHTS)[:orders]
    fates += rng.choices(list(WEIGHTS), list(WEIGHTS.values()), k=orders - len(fates))
    rng.shuffle(fates)
    return [
        PlannedOrder(refnum, fate, _body(rng, refnum, fate, catalog))
        for number, fate in enumerate(fates, 1)
        for refnum in (f"D{run}-{number:05d}",)
    ]


def _body(rng: random.Random, refnum: str, fate: Fate, catalog: Sequence[SampleSku]) -> dict[str, Json]:
    name, (city, state, postal_code) = rng.choice(_NAMES), rng.choice(_CITIES)
    first, last = name.split()
    address: dict[str, Json] = {
        "first_name": first,
        "last_name": last,
        "address1": f"{rng.randint(1, 999)} Sample Street",
        "city": city,
        "state_match": state,
        "postal_code": postal_code,
        "country_match": "US",
    }
    if fate is Fate.BAD_ADDRESS:
        del address["address1"], address["city"]
    body: dict[str, Json] = {
        "refnum": refnum,
        "items": _items(rng, fate, catalog),
        "shipping_address": address,
        "customer": {"full_name": name, "email_address": f"{first.lower()}@example.com"},
        "ship_service": rng.choice(("STANDARD", "STANDARD", "EXPRESS")),
        "shipping_amt": rng.choice((0, 4.95, 4.95, 9.5)),
    }
    if fate in (Fate.UNKNOWN_SKU, Fate.BACKORDERED):
        body["backorder"] = True
    if fate is Fate.REFUSED_PAYMENT:
        body["payment"] = {"status": "decline"}
    if rng.random() < 0.1:  # noqa: PLR2004 - every tenth shopper has a coupon
        body["coupon"] = "WELCOME10"
    return body


def _items(rng: random.Random, fate: Fate, catalog: Sequence[SampleSku]) -> list[Json]:
    own = [sku.code for sku in catalog if not sku.vpc and not sku.backorder and sku.code != SCARCE]
    vendors = [sku.code for sku in catalog if sku.vpc and not sku.stock]
    quantities = (2, 3) if fate in _SEVERAL_UNITS else (1, 1, 2)
    items: list[Json] = [
        {"sku": code, "quantity": rng.choice(quantities)} for code in rng.sample(own, k=rng.randint(1, 3))
    ]
    match fate:
        case Fate.UNKNOWN_SKU:
            items.append({"sku": f"NO-SUCH-{rng.randint(1, 99)}", "quantity": 1, "unit_price": 5})
        case Fate.BACKORDERED:
            items.append({"sku": next(s.code for s in catalog if s.backorder), "quantity": rng.randint(1, 2)})
        case Fate.DROPSHIPPED | Fate.REJECTED_BY_VENDOR:
            items.append({"sku": rng.choice(vendors), "quantity": 1})
        case Fate.SOLD_OUT:
            items = [{"sku": SCARCE, "quantity": 2}]
        case _ if rng.random() < 0.08:  # noqa: PLR2004 - now and then the vendor's goods travel along
            items.append({"sku": "RUG", "quantity": 1})
    return items


#: Fates that need lines of more than one unit.
_SEVERAL_UNITS = frozenset(
    {Fate.TWO_PACKAGES, Fate.SHORT_SHIPPED, Fate.EDITED_LESS, Fate.REFUNDED, Fate.STORE_CREDIT}
)
