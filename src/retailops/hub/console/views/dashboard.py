"""The dashboard: what came in, what left, what is stuck, and how the channels are."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from retailops.hub.audit.operations.check_invariants import check_invariants
from retailops.hub.audit.operations.record import record
from retailops.hub.console import queries
from retailops.hub.console.causes import causes
from retailops.hub.console.pages import Action, ConsoleForm, allowed, console_page, run_action


def dashboard(request: HttpRequest) -> HttpResponse:
    """Show it to everybody who may see orders; others see the frame."""
    if not allowed(request, "orders.view_order"):
        return console_page(request, "console/no_rights.html", "Dashboard")
    result = run_action(
        request, [Action("check", "Check now", "audit.view_auditentry", ConsoleForm, _check, "Check now")]
    )
    if isinstance(result, HttpResponse):
        return result
    today = queries.today()
    waiting = [(group, [cause for cause in of_group if cause.count]) for group, of_group in causes()]
    most = max(today.by_hour) or 1
    context = {
        "today": today,
        "bars": [(count, round(100 * count / most)) for count in today.by_hour],
        "stuck": sum(cause.count for _, of_group in waiting for cause in of_group),
        "waiting": [entry for entry in waiting if entry[1]],
        "channels": queries.channel_states(),
        "hub_depth": queries.hub_queue_depth(),
        "workers": queries.live_workers(),
        "check": queries.last_check(),
        "panels": result,
    }
    return console_page(request, "console/dashboard.html", "Dashboard", context)


def _check(_data: object, actor: str) -> str:
    violations = check_invariants()
    found = [{"rule": v.rule, "count": v.count, "examples": list(v.examples)} for v in violations]
    record(actor=actor, action="invariants.check", subject="invariants", data={"violations": found})
    return f"{len(violations)} rules are broken" if violations else "everything adds up"
