"""A retailer with one facility, two vendors and a channel; keys for each; and a way to call actions."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.test import Client

from retailops.hub.accounts.models import User
from retailops.hub.accounts.operations.create_api_key import create_api_key
from retailops.hub.catalog.models import Sku
from retailops.hub.channels.models import Channel
from retailops.hub.orders.models import Order
from retailops.hub.orders.operations.acknowledge_orders import acknowledge_orders
from retailops.hub.purchasing.models import PurchaseOrder, Vendor
from retailops.hub.routing.operations.route_orders import route_orders
from retailops.hub.stock.models import Facility
from tests.hub.factories import (
    import_now,
    incoming,
    make_channel,
    make_facility,
    make_sku,
    make_vendor,
    stock_up,
)


@dataclass
class Answer:
    status: int
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def code(self) -> str:
        return str(self.body["ERRORCODE"])

    @property
    def record(self) -> dict[str, Any]:
        [record] = self.body["records"]
        return dict(record)

    @property
    def record_codes(self) -> list[str]:
        return [
            record["errors"][0]["code"] if record.get("errors") else "ok" for record in self.body["records"]
        ]


@dataclass
class Api:
    """Calls actions through Django's test client."""

    key: str
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def __call__(self, path: str, body: object = None, **headers: str) -> Answer:
        return self.send(path, json.dumps({} if body is None else body).encode(), **headers)

    def send(
        self, path: str, body: bytes, *, content_type: str = "application/json", **headers: str
    ) -> Answer:
        sent = {"apikey": self.key, **{name.replace("_", "-"): value for name, value in headers.items()}}
        response = self.client.generic(
            "POST", path, body, content_type=content_type, headers=sent, CONTENT_TYPE=content_type
        )
        return Answer(response.status_code, json.loads(response.content), dict(response.headers))


@dataclass
class World:
    """MAIN holds A; vendor acme (change-after-submit on) has B, vendor other has C; orders come from one channel."""

    channel: Channel
    main: Facility
    branch: Facility
    a: Sku
    b: Sku
    c: Sku
    acme: Vendor
    other: Vendor
    user: User

    def key(self, **scope: Any) -> str:
        return create_api_key(user_id=self.user.pk, name="test", actor="test", **scope).key

    def api(self, **scope: Any) -> Api:
        return Api(self.key(**scope))

    def order(self, refnum: str, *items: tuple[str, int]) -> Order:
        """Import, acknowledge and route an order."""
        [order_id] = import_now(self.channel, incoming(refnum, items)).created.values()
        acknowledge_orders(order_ids=[order_id], actor="test")
        route_orders(order_ids=[order_id], actor="test")
        return Order.objects.get(pk=order_id)

    def po(self, refnum: str = "W1", units: int = 3, sku: str = "B") -> PurchaseOrder:
        """A PO of acme (or, for C, of the other vendor), by way of an order."""
        return PurchaseOrder.objects.get(order=self.order(refnum, (sku, units)))


def build_world() -> World:
    a, b, c = make_sku("A"), make_sku("B"), make_sku("C")
    main, branch = make_facility("MAIN"), make_facility("BRANCH")
    stock_up(main, {a: 1000})
    return World(
        channel=make_channel(),
        main=main,
        branch=branch,
        a=a,
        b=b,
        c=c,
        acme=make_vendor("acme", {"VB": (b, 1000)}, change_after_submit=True),
        other=make_vendor("other", {"VC": (c, 1000)}),
        user=User.objects.create(username="ann"),
    )
