"""Order import against bare INSERTs: pull pages of 100 orders (three lines each) parsed, validated, stored, with their tasks.

    python -m benchmarks.import_orders [--pages 30]

The hub imports every page; then the very rows that it wrote are read back, the tables emptied, and the same rows inserted
with bare multi-row INSERTs, page by page, into the same PostgreSQL. Ends with the invariant check.
"""

from __future__ import annotations

import argparse
import json
import sys

from benchmarks.support import hub_database, measure, show

ORDERS_PER_PAGE = 100
LINES = 3
SKUS = 5_000
TABLES = (
    "orders_order", "orders_orderline", "orders_orderaddress", "orders_ordercustomer", "orders_orderevent",
    "payments_paymenttransaction", "payments_payment", "tasks_lane", "tasks_task",
)  # fmt: skip
ADDRESS = {
    "first_name": "Ada", "last_name": "Byron", "address1": "1 Mill Lane", "city": "London", "state_match": "LND",
    "country_match": "GB", "postal_code": "N1 1AA", "phone_number": "555 0100",
}  # fmt: skip


def page(number: int) -> bytes:
    """Return a reply to order_pull with 100 orders of three lines."""
    orders = []
    for index in range(ORDERS_PER_PAGE):
        ref = f"R{number:05d}-{index:03d}"
        items = [
            {
                "channel_item_refnum": f"{ref}-{line}", "sku": f"SKU-{(number * 397 + index * 31 + line * 7) % SKUS:05d}",
                "sku_description": "A thing", "quantity": 1 + line, "item_type": "ship",
                "currency_values": {"unit_price": 9.95, "discount_amt": 0.5, "unit_tax_pct": 20},
            }
            for line in range(LINES)
        ]  # fmt: skip
        orders.append({
            "channel_order_refnum": ref, "ship_service_code": "standard", "currency_code": "GBP",
            "currency_values": {"shipping_amt": 4.5, "tax_amt": 0, "discount_amt": 0},
            "channel_date_created": "2026-01-31T09:30:00Z", "billing_address": ADDRESS, "shipping_address": ADDRESS,
            "customer_info": {"email_address": "ada@example.com", "full_name": "Ada Byron", "phone_number": "555 0100"},
            "payment_transactions": [
                {"payment_type": "card", "amount": 500, "transaction_type": "auth",
                 "payment_processing_type": "channel_payment", "status": "success"}
            ],
            "order_items": items,
        })  # fmt: skip
    return json.dumps({"next_page_token": "", "orders": orders}).encode()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pages", type=int, default=30, help="pages of 100 orders (default 30)")
    pages = parser.parse_args().pages
    with hub_database():
        return run(pages)


def run(pages: int) -> int:
    from django.db import transaction

    from benchmarks.hub_data import make_catalog, make_shop
    from retailops.contract.pull_page import parse_pull_page
    from retailops.hub.audit.operations.check_invariants import check_invariants
    from retailops.hub.catalog.operations.publish_inventory import publish_inventory
    from retailops.hub.channels.incoming import map_order
    from retailops.hub.db import fetch
    from retailops.hub.orders.operations.import_orders import import_orders
    from retailops.hub.payments.operations.record_transactions import record_incoming

    make_catalog(SKUS)
    channel = make_shop()
    bodies = [page(number) for number in range(pages + 3)]

    @transaction.atomic
    def import_page(number: int) -> None:
        orders = [map_order(order) for order in parse_pull_page(bodies[number]).orders]
        result = import_orders(channel=channel, orders=orders, actor="channel:bench")
        by_ref = {order.channel_refnum: order for order in orders}
        record_incoming(orders={id_: by_ref[ref] for ref, id_ in result.created.items()})
        publish_inventory(sku_ids=result.touched_skus, except_channel=channel.id)

    for number in range(pages, pages + 3):  # warm up
        import_page(number)
    hub = measure("hub import", pages, ORDERS_PER_PAGE, import_page)
    assert fetch("SELECT count(*) FROM orders_order")[0][0] == (pages + 3) * ORDERS_PER_PAGE
    broken = check_invariants()
    written = {table: fetch(f"SELECT * FROM {table}") for table in TABLES}
    columns = {
        table: [row[0] for row in fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            [table])]
        for table in TABLES
    }  # fmt: skip
    bare = measure("bare INSERTs", pages, ORDERS_PER_PAGE, bare_inserts(written, columns, pages))
    total = sum(len(rows) for rows in written.values())
    assert sum(fetch(f"SELECT count(*) FROM {table}")[0][0] for table in TABLES) == total * pages // (
        pages + 3
    )
    show(
        "Order import", [bare, hub], "orders", base=bare, goal="hub import at 0.20 of bare INSERTs or better"
    )
    print(f"{total / ((pages + 3) * ORDERS_PER_PAGE):.1f} rows an order; invariants broken: {len(broken)}")
    return 1 if broken or hub.median < 0.2 * bare.median else 0


def bare_inserts(written, columns, pages):
    """Empty the tables and return work that inserts one page's share of the rows."""
    from django.db import connection, transaction
    from psycopg.types.json import Json

    from retailops.hub.db import execute

    execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")

    def work(number):
        with transaction.atomic(), connection.cursor() as cursor:
            for table, rows in written.items():
                names = [name for name in columns[table] if (table, name) != ("orders_orderline", "open")]
                keep = [columns[table].index(name) for name in names]
                share = rows[number * len(rows) // (pages + 3) : (number + 1) * len(rows) // (pages + 3)]
                values = [
                    Json(row[i]) if isinstance(row[i], dict | list) and names[p] != "tags" else row[i]
                    for row in share
                    for p, i in enumerate(keep)
                ]
                one = f"({','.join(['%s'] * len(names))})"
                cursor.execute(
                    f"INSERT INTO {table} ({','.join(names)}) VALUES {','.join([one] * len(share))}", values
                )

    return work


if __name__ == "__main__":
    sys.exit(main())
