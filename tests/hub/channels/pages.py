"""Pages of orders as a channel sends them."""

from __future__ import annotations

from typing import Any

from tests.hub.channels.support import apply_one, build_one, make_task

from retailops.hub.channels.models import Channel
from retailops.hub.orders.models import Order
from retailops.hub.tasks.operations.settle_tasks import Settlement

ADDRESS = {
    "first_name": "Ada",
    "last_name": "Byron",
    "address1": "1 Mill Lane",
    "city": "London",
    "country_match": "GB",
}


def order(refnum: str = "1", **fields: object) -> dict[str, Any]:
    return {
        "channel_order_refnum": refnum,
        "ship_service_code": "ground",
        "currency_code": "USD",
        "currency_values": {"shipping_amt": 5.00, "tax_amt": 1.25},
        "billing_address": ADDRESS,
        "shipping_address": ADDRESS,
        "order_items": [item()],
        "payment_transactions": [
            {"payment_type": "visa", "amount": 26.25, "transaction_type": "auth", "refnum": "T"}
        ],
        "customer_info": {"full_name": "Ada Byron", "email_address": "ada@example.com"},
        **fields,
    }


def item(refnum: str = "a", **fields: object) -> dict[str, Any]:
    return {
        "channel_item_refnum": refnum, "sku": "A", "quantity": 2, "item_type": "ship",
        "currency_values": {"unit_price": 10.00}, **fields,
    }  # fmt: skip


def page(*orders: object, token: object = "") -> dict[str, Any]:
    return {"orders": list(orders), "next_page_token": token}


def pull(channel: Channel, body: object, status: int = 200) -> Settlement:
    return apply_one(build_one(make_task("order_pull", channel, lane=f"pull:{channel.pk}")), body, status)


def refnums() -> list[str]:
    return sorted(Order.objects.values_list("channel_refnum", flat=True))
