"""Where parcels go, in the words of the API."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from retailops.hub.db import fetch


@dataclass(frozen=True, slots=True)
class ShipAddress:
    """`state_abbr` is empty where the state is known by its name only."""

    addressee: str
    company: str
    address1: str
    address2: str
    city: str
    state_abbr: str
    state_name: str
    postal_code: str
    country_name: str
    phone_number: str


def ship_addresses(order_ids: Collection[int]) -> Mapping[int, ShipAddress]:
    """Return the shipping addresses of orders; one statement."""
    rows = fetch(
        """SELECT order_id, trim(first_name || ' ' || last_name), company, address1, address2, city,
               CASE WHEN state ~ '^[A-Z]{2,3}$' THEN state ELSE '' END, state, postal_code, country, phone_number
           FROM orders_orderaddress WHERE order_id = ANY(%s) AND kind = 'shipping'""",
        [sorted(set(order_ids))],
    )
    return {row[0]: ShipAddress(*row[1:]) for row in rows}
