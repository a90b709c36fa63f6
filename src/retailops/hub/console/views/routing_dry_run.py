"""What the active routing rules would do with waiting orders; nothing is changed."""

from __future__ import annotations

from collections import Counter

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from retailops.hub.console import formats
from retailops.hub.console.admin_base import record_url
from retailops.hub.console.order_numbers import OrderNumbersField
from retailops.hub.console.pages import ConsoleForm, Table, actor_of, allowed, columns, console_page
from retailops.hub.db import fetch
from retailops.hub.orders.models import OrderLine
from retailops.hub.purchasing.models import Vendor
from retailops.hub.routing.models import RoutingRule
from retailops.hub.routing.operations.route_orders import RouteResult, route_orders
from retailops.hub.routing.rules import REASONS, Decision
from retailops.hub.stock.models import Facility

MOST_ORDERS = 200


class DryRunForm(ConsoleForm):
    """Which orders."""

    numbers = OrderNumbersField(
        label="Orders", required=False, rows=5, most=MOST_ORDERS,
        help_text=f"Order numbers; leave it empty to try the newest {MOST_ORDERS} orders that wait.",
    )  # fmt: skip


def routing_dry_run(request: HttpRequest) -> HttpResponse:
    """Ask for orders and show the decisions."""
    if not allowed(request, "routing.view_routingrule"):
        raise PermissionDenied
    form = DryRunForm(request.POST or None)
    context: dict[str, object] = {
        "form": form, "submit": "Try",
        "intro": "The active rules are tried on today's stock. Nothing is changed, nobody is told.",
    }  # fmt: skip
    if request.method == "POST" and form.is_valid():
        order_ids = _orders(form.cleaned_data["numbers"])
        result = route_orders(order_ids=order_ids, actor=actor_of(request), dry_run=True)
        context |= {"counts": _counts(result), "table": _table(result)}
    return console_page(request, "console/form_page.html", "Routing dry run", context)


def _orders(numbers: list[str]) -> list[int]:
    if numbers:
        rows = fetch(
            "SELECT id FROM orders_order WHERE channel_refnum = ANY(%s) LIMIT %s", [numbers, MOST_ORDERS]
        )
    else:
        rows = fetch(
            """SELECT id FROM orders_order WHERE status IN ('received', 'ready', 'backordered', 'partially_routed')
               ORDER BY id DESC LIMIT %s""",
            [MOST_ORDERS],
        )
    return [row[0] for row in rows]


def _counts(result: RouteResult) -> list[tuple[str, int]]:
    """How many orders were looked at, and how many portions would be planned or left open."""
    planned = sum(1 for decision in result.decisions if not decision.reason)
    open_portions = Counter(decision.reason for decision in result.decisions if decision.reason)
    return [
        ("orders tried", len(result.orders)),
        ("portions planned", planned),
        ("lines left open", open_portions.total()),
    ]


def _table(result: RouteResult) -> Table:
    lines = OrderLine.objects.select_related("order").in_bulk(
        [decision.line_id for decision in result.decisions]
    )
    rules = dict(RoutingRule.objects.values_list("id", "name"))
    facilities = dict(Facility.objects.values_list("id", "code"))
    vendors = dict(Vendor.objects.values_list("id", "code"))

    def source(decision: Decision) -> object:
        if decision.reason:
            return formats.chip("waiting", REASONS.get(decision.reason, decision.reason))
        return vendors[decision.offer.vendor_id] if decision.offer else facilities[decision.facility_id or 0]

    return Table(
        "Decisions",
        columns("Order", "SKU", "#Units", "Source", "Rule"),
        [
            (
                formats.link(record_url("orders_order", d.order_id), lines[d.line_id].order.channel_refnum),
                lines[d.line_id].sku_code, d.quantity, source(d), rules.get(d.rule_id or 0, formats.EMPTY),
            )
            for d in result.decisions
        ],
        "None of these orders has open lines that can be routed: they are on hold, ended, or fully planned.",
    )  # fmt: skip
