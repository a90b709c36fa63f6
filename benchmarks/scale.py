"""A hub with a million orders and 200 thousand SKUs: how long console lists take, and what importing still does.

    python -m benchmarks.scale [--orders 1000000] [--skus 200000]

Import is measured on the same database before and after it is filled. Ends with the invariants on a sample of rules that are cheap at
this size: levels against their ledger.
"""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.import_orders import page
from benchmarks.support import Rate, hub_database, measure, show

LISTS = (
    "orders/order/", "orders/order/?status__exact=completed", "orders/order/?q=BIG-500000", "catalog/sku/", "catalog/sku/?q=SKU-1500",
    "stock/stocklevel/", "fulfilment/shipment/", "tasks/task/", "",
)  # fmt: skip
SLOWEST_MS = 300
PAGES = 20
SLICE = 50_000
#: A shop with 8,640 orders a day.
SECONDS_APART = 10


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--skus", type=int, default=200_000)
    options = parser.parse_args()
    with hub_database():
        return run(options.orders, options.skus)


def run(orders: int, skus: int) -> int:
    from benchmarks.hub_data import make_catalog, make_shop
    from retailops.hub.db import execute, fetch

    make_catalog(skus)
    channel = make_shop()
    empty = _import("empty database", channel, first_page=0)
    started = time.perf_counter()
    _fill(orders, channel.id)
    execute("ANALYZE")
    print(f"filled with {orders:,} orders in {time.perf_counter() - started:.0f} s")
    full = _import(f"{orders:,} orders", channel, first_page=1000)
    slowest = _lists()
    show(
        "Import into a full hub",
        [empty, full],
        "orders",
        base=empty,
        goal="0.80 of the empty database or better",
    )
    for path, milliseconds in slowest.items():
        print(f"{milliseconds:7.0f} ms  /console/{path}")
    drift = fetch(
        """SELECT count(*) FROM stock_stocklevel l JOIN (SELECT facility_id, sku_id, sum(d_on_hand) AS on_hand FROM stock_stockmove
           GROUP BY 1, 2) m ON m.facility_id = l.facility_id AND m.sku_id = l.sku_id WHERE m.on_hand <> l.on_hand"""
    )[0][0]
    print(f"goal: every list under {SLOWEST_MS} ms; levels that differ from their ledger: {drift}")
    good = not drift and full.median >= 0.8 * empty.median and max(slowest.values()) < SLOWEST_MS
    return 0 if good else 1


def _import(name: str, channel, first_page: int) -> Rate:
    from django.db import connection, transaction

    from retailops.contract.pull_page import parse_pull_page
    from retailops.hub.channels.incoming import map_order
    from retailops.hub.db import execute
    from retailops.hub.orders.operations.import_orders import import_orders
    from retailops.hub.payments.operations.record_transactions import record_incoming

    @transaction.atomic
    def work(number: int) -> None:
        orders = [map_order(order) for order in parse_pull_page(page(first_page + number)).orders]
        created = import_orders(channel=channel, orders=orders, actor="bench").created
        by_ref = {order.channel_refnum: order for order in orders}
        record_incoming(orders={order_id: by_ref[ref] for ref, order_id in created.items()})

    for number in range(900, 905):
        work(number)
    # Plans made while the tables were empty would be measured instead of the import.
    connection.close()
    execute("ANALYZE")
    return measure(name, PAGES, 100, work)


def _fill(orders: int, channel_id: int) -> None:
    """Write finished orders of three lines with addresses, customers, history and a task each, in slices."""
    from retailops.hub.db import execute

    for start in range(0, orders, SLICE):
        stop = min(orders, start + SLICE)
        # Without, foreign keys would be checked by plans that were made for the tables when they were small.
        execute("ANALYZE")
        execute(
            """WITH o AS (
                 INSERT INTO orders_order (channel_id, channel_refnum, status, currency, content_hash, grand_total, imported_at,
                     acknowledged_at, completed_at, updated_at)
                 SELECT %(channel)s, 'BIG-' || i, 'completed', 'GBP', md5(i::text), 29.85, t.at, t.at, t.at, t.at
                 FROM generate_series(%(start)s, %(stop)s - 1) i
                 CROSS JOIN LATERAL (SELECT now() - make_interval(secs => %(apart)s * (%(orders)s - i)) AS at) t
                 RETURNING id, channel_refnum, completed_at
               ), a AS (
                 INSERT INTO orders_orderaddress (order_id, kind, first_name, last_name, address1, city, country)
                 SELECT id, 'shipping', 'Ada', 'Byron ' || channel_refnum, '1 Mill Lane', 'London', 'GB' FROM o
               ), c AS (
                 INSERT INTO orders_ordercustomer (order_id, full_name, email_address)
                 SELECT id, 'Ada Byron ' || channel_refnum, channel_refnum || '@example.com' FROM o
               ), e AS (
                 INSERT INTO orders_orderevent (order_id, kind, actor) SELECT id, 'completed', 'system' FROM o
               ), t AS (
                 INSERT INTO tasks_task (queue_id, lane, kind, key, order_id, subject_id, state, outcome, created_at, finished_at)
                 SELECT (SELECT queue_id FROM channels_channel WHERE id = %(channel)s), 'order:' || id, 'order_complete', 'complete', id,
                     id, 'succeeded', 'ok', completed_at, completed_at FROM o)
               INSERT INTO orders_orderline (order_id, position, sku_id, sku_code, ordered, shipped, unit_price)
               SELECT o.id, n, s.id, s.code, 1, 1, 9.95 FROM o CROSS JOIN generate_series(1, 3) n
               JOIN catalog_sku s ON s.id = 1 + (o.id * 31 + n * 7) %% (SELECT max(id) FROM catalog_sku)""",
            {"channel": channel_id, "orders": orders, "start": start, "stop": stop, "apart": SECONDS_APART},
        )
        print(f"  filled with {stop:,} orders", flush=True)


def _lists() -> dict[str, float]:
    """Open console lists as a logged-in administrator; the slowest of five openings each, after one to warm up."""
    from django.test import Client

    from retailops.hub.accounts.models import User

    client = Client(HTTP_HOST="localhost")
    client.force_login(User.objects.create_superuser("bench", password=None))
    slowest = {}
    for path in LISTS:
        times = []
        for _ in range(6):
            started = time.perf_counter()
            reply = client.get(f"/console/{path}")
            times.append((time.perf_counter() - started) * 1000)
            assert reply.status_code == 200, (path, reply.status_code)
        slowest[path] = max(times[1:])
    return slowest


if __name__ == "__main__":
    sys.exit(main())
