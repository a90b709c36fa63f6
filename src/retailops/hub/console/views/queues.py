"""Work queues by cause."""

from __future__ import annotations

from datetime import timedelta

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from retailops.hub.console import formats
from retailops.hub.console.admin_base import record_url
from retailops.hub.console.causes import PAGE, REFUSED_DAYS, causes, waiting_orders
from retailops.hub.console.order_search import MOST_DIGITS
from retailops.hub.console.pages import Table, allowed, columns, console_page


def _list_of(cause: str) -> str:
    """The address of causes that are lists of their own; empty for the others."""
    since = (timezone.now() - timedelta(days=REFUSED_DAYS)).strftime("%Y-%m-%dT%H:%M:%SZ")
    lists = {
        "tasks-parked": ("tasks_task", "state__exact=parked"),
        "tasks-refused": ("tasks_task", f"outcome__exact=refused&finished_at__gt={since}"),
        "rejected": ("channels_rejectedorder", "waiting=yes"),
    }
    if cause not in lists:
        return ""
    model, filters = lists[cause]
    return f"{reverse(f'admin:{model}_changelist')}?{filters}"


def queues(request: HttpRequest) -> HttpResponse:
    """All causes, with how much waits for each."""
    if not allowed(request, "orders.view_order"):
        raise PermissionDenied
    groups = causes()
    total = sum(cause.count for _, of_group in groups for cause in of_group)
    return console_page(request, "console/queues.html", "Work queues", {"groups": groups, "total": total})


def queue_page(request: HttpRequest, cause: str) -> HttpResponse:
    """The orders that one cause stops."""
    if not allowed(request, "orders.view_order"):
        raise PermissionDenied
    if elsewhere := _list_of(cause):
        return HttpResponseRedirect(elsewhere)
    found = {entry.slug: entry for _, of_group in causes() for entry in of_group}.get(cause)
    before = request.GET.get("before", "")
    if found is None or not (before == "" or (before.isdecimal() and len(before) <= MOST_DIGITS)):
        raise Http404
    rows = waiting_orders(cause, before=int(before) if before else None)
    shown = rows[:PAGE]
    ids = ",".join(str(row[0]) for row in shown)
    context = {
        "cause": found,
        "table": Table(
            "",
            columns("Order", "Channel", "Status", "#Total", "Why", "Since"),
            [
                (
                    formats.link(record_url("orders_order", row[0]), row[1]), row[2], formats.chip(row[3]),
                    formats.money(row[4], row[5]), row[6], formats.moment(row[7]),
                )
                for row in shown
            ],
            "Nothing waits here. Well done.",
        ),
        "following": f"?before={shown[-1][0]}" if len(rows) > PAGE else "",
        "first": bool(before),
        "bulk_url": f"{reverse('admin:bulk_orders')}?ids={ids}" if ids and allowed(request, "orders.change_order") else "",
    }  # fmt: skip
    return console_page(request, "console/queue.html", found.title.capitalize(), context)
