"""A real storefront process on a free port, and a hub that calls it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from retailops.demo.storefront.process import running_storefront

KEY = "a key for tests only"
Answer = dict[str, Any]


class Caller:
    """Plays the hub, the shoppers and the judge's clerk against one storefront."""

    def __init__(self, url: str, pid: int) -> None:
        self.pid = pid
        self.http = httpx.Client(base_url=url, timeout=20)

    def post(
        self, interaction: str, body: Answer, *, webhook_id: str = "", key: object = KEY
    ) -> httpx.Response:
        envelope = {"integration_auth_token": key, "action": interaction, "version": 1, "client_id": 1}
        headers = {"Webhook-Id": webhook_id} if webhook_id else {}
        return self.http.post(
            f"/api/channel/{interaction}_v1", json={**envelope, "channel_info": {}, **body}, headers=headers
        )

    def call(self, interaction: str, body: Answer, *, webhook_id: str = "") -> Answer:
        response = self.post(interaction, body, webhook_id=webhook_id)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def stock(self, sku: str, quantity: int, **more: object) -> Answer:
        row = {"sku": sku, "quantity_available": quantity, **more}
        return self.call("inventory_push", {"inventory_updates": [row]})

    def list_sku(self, sku: str, price: float = 10, quantity: int = 0) -> None:
        feed = {"feed_data": {"General": {"SKU": sku, "Name": f"The {sku}"}, "Prices": {"Price": price}}}
        self.call("catalog_push", {"template_output": {"data": {"Product": [feed]}}})
        self.stock(sku, quantity)

    def available(self, sku: str) -> int:
        rows = self.http.get("/shop/catalog").json()["skus"]
        return int(next(row["available"] for row in rows if row["sku"] == sku))

    def buy(self, sku: str, quantity: int = 1, **more: object) -> str:
        response = self.http.post(
            "/shop/orders", json={"items": [{"sku": sku, "quantity": quantity}], **more}
        )
        assert response.status_code == 201, response.text
        return str(response.json()["refnum"])

    def backorder(self, refnum: str = "", quantity: int = 2, price: float = 10, **more: object) -> str:
        item = {"sku": "A", "quantity": quantity, "unit_price": price}
        body = {"refnum": refnum, "items": [item], "backorder": True, **more}
        response = self.http.post("/shop/orders", json=body)
        assert response.status_code == 201, response.text
        return str(response.json()["refnum"])

    def pull(self, token: str = "") -> Answer:
        return self.call("order_pull", {"page_token": token})

    def acknowledge(self, *refnums: str, hub_id: int = 7) -> Answer:
        rows = [{"channel_order_refnum": refnum, "retailops_order_id": hub_id} for refnum in refnums]
        return self.call("order_acknowledge", {"orders": rows})

    def imported(self, refnum: str = "R1", quantity: int = 2, **more: object) -> str:
        """An order that was placed, pulled and acknowledged."""
        refnum = self.backorder(refnum, quantity, **more)  # type: ignore[arg-type]
        self.pull()
        self.acknowledge(refnum)
        return refnum

    def ship(self, refnum: str, quantity: int, package: int = 1, tracking: str = "1Z") -> Answer:
        items = [{"channel_item_refnum": f"{refnum}-1", "quantity": quantity}]
        row = {"retailops_package_id": package, "carrier_name": "UPS", "tracking_number": tracking}
        shipment = {"retailops_shipment_id": 1, "packages": [{**row, "package_items": items}]}
        return self.call("order_shipment_submit", {"channel_order_refnum": refnum, "shipment": shipment})

    def order_call(self, interaction: str, refnum: str, **order: object) -> Answer:
        return self.call(interaction, {"order": {"channel_order_refnum": refnum, **order}})

    def settle(self, refnum: str, amount: float, series: int = 1, currency: str = "USD") -> Answer:
        charge = {"payment_type": "Visa", "transaction_type": "charge", "amount": amount}
        payment = {"currency_code": currency, "payment_series_id": series, "payment_transactions": [charge]}
        order = {"channel_order_refnum": refnum}
        return self.call("order_settle_payment", {"order": order, "payment": payment})

    def give_back(
        self, refnum: str, quantity: int, amount: float, return_id: int = 1, action: str = ""
    ) -> Answer:
        received = {
            "retailops_return_id": return_id,
            "refund_amt": amount,
            "refund_action": action,
            "items": [{"channel_item_refnum": f"{refnum}-1", "quantity": quantity}],
        }
        order = {"channel_order_refnum": refnum}
        return self.call("order_returned", {"order": order, "return": received})

    def order(self, refnum: str) -> Answer:
        return dict(self.http.get(f"/shop/orders/{refnum}").json())

    def journal(self) -> list[Answer]:
        return list(self.http.get("/admin/state").json()["journal"])

    def violations(self) -> list[str]:
        return [row["code"] for row in self.http.get("/admin/judgement").json()["violations"]]

    def set_faults(self, spec: str, seed: int = 0) -> None:
        response = self.http.post("/admin/faults", json={"faults": spec, "seed": seed})
        assert response.status_code == 200, response.text


@pytest.fixture
def caller(tmp_path: Path) -> Iterator[Caller]:
    with running_storefront(tmp_path / "shop.db", key=KEY, page_size=3) as storefront:
        caller = Caller(storefront.url, storefront.pid)
        yield caller
        caller.http.close()
