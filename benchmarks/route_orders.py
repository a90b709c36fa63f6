"""Allocation and routing of imported orders (three lines each), by one and by two processes on one PostgreSQL.

    python -m benchmarks.route_orders [--orders 6000]

The number of SQL statements for a batch of 10 and of 100 orders is compared, too. Ends with the invariant check.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time

from benchmarks.import_orders import SKUS, page
from benchmarks.support import Rate, hub_database, show

GOAL = 1000


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--orders", type=int, default=6000, help="orders to route in each case (default 6000)"
    )
    orders = parser.parse_args().orders
    with hub_database():
        return run(orders)


def run(orders: int) -> int:
    from benchmarks.hub_data import make_catalog, make_shop
    from retailops.hub.audit.operations.check_invariants import check_invariants
    from retailops.hub.db import fetch

    make_catalog(SKUS)
    channel = make_shop()
    few, many = (_statements(channel, count) for count in (10, 100))
    one = _case(channel, orders, processes=1, first_page=100)
    two = _case(channel, orders, processes=2, first_page=5000)
    left = fetch("SELECT count(*) FROM orders_orderline WHERE open > 0")[0][0]
    broken = check_invariants()
    show("Routing", [one, two], "orders", base=one, goal=f"{GOAL} orders/s on two cores")
    print(
        f"statements for 10 orders: {few}, for 100: {many}; lines left open: {left}; invariants broken: {len(broken)}"
    )
    return 1 if broken or left or few != many or two.median < GOAL else 0


def _import(channel, count: int, first_page: int) -> None:
    from retailops.contract.pull_page import parse_pull_page
    from retailops.hub.channels.incoming import map_order
    from retailops.hub.db import execute
    from retailops.hub.orders.operations.import_orders import import_orders

    for number in range(-(-count // 100)):
        orders = [map_order(order) for order in parse_pull_page(page(first_page + number)).orders][
            : count - number * 100
        ]
        import_orders(channel=channel, orders=orders, actor="channel:bench")
    execute("UPDATE orders_order SET acknowledged_at = now(), routing_due_at = now() WHERE routed_at IS NULL")
    execute("ANALYZE")


def _statements(channel, count: int) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from retailops.hub.routing.operations.route_orders import route_due_orders

    _import(channel, count, first_page=90_000 + count)
    with CaptureQueriesContext(connection) as captured:
        assert len(route_due_orders(limit=1000, actor="bench").orders) == count
    return len(captured)


def _case(channel, orders: int, *, processes: int, first_page: int) -> Rate:
    _import(channel, orders, first_page)
    from django.db import connections

    connections.close_all()
    started = time.perf_counter()
    workers = [multiprocessing.Process(target=_route_all) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    return Rate(
        f"{processes} process{'es' if processes > 1 else ''}", [orders / (time.perf_counter() - started)]
    )


def _route_all() -> None:
    from retailops.hub.routing.operations.route_orders import route_due_orders

    while route_due_orders(limit=100, actor="bench").orders:
        pass


if __name__ == "__main__":
    sys.exit(main())
