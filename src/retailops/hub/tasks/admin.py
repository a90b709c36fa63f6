"""Tasks, their attempts, queues and schedules in the console."""

from collections.abc import Mapping
from typing import Any

from django.contrib.admin import action, register
from django.contrib.messages import success
from django.db.models import QuerySet
from django.forms import CharField
from django.http import HttpRequest

from retailops.hub.console import formats
from retailops.hub.console.admin_base import (
    ConsoleAdmin,
    Fact,
    ReadOnlyAdmin,
    RecordAdmin,
    column,
    record_url,
)
from retailops.hub.console.pages import Action, ConsoleForm, Table, actor_of, columns
from retailops.hub.console.site import site
from retailops.hub.tasks.models import Queue, Schedule, Task, Worker
from retailops.hub.tasks.operations.replay_tasks import (
    pause_queue,
    replay_tasks,
    resume_queue,
    set_aside_tasks,
)

OPERATE = "tasks.change_task"


class ReasonForm(ConsoleForm):
    """Asks why."""

    reason = CharField(max_length=300, help_text="Kept in the history")


@register(Task, site=site)
class TaskAdmin(RecordAdmin[Task]):
    """Work told to channels or run by the hub; newest first."""

    keyset = "-id"
    list_display = ("id", "kind", "key", "state_chip", "queue", "attempts_number", "created", "message_short")
    list_filter = ("state", "outcome", "queue")
    list_select_related = ("queue",)
    search_fields = ("lane__exact",)
    search_help_text = "Lane, such as order:123"
    actions = ("replay", "set_aside", "export_selected")
    csv_fields = (
        "id",
        "queue__name",
        "lane",
        "kind",
        "key",
        "state",
        "outcome",
        "attempts",
        "message",
        "created_at",
        "finished_at",
    )
    list_fullwidth = True
    next_step = "Tasks appear when an order, stock or a listing changes something a channel must be told."

    state_chip = column("State", lambda task: formats.chip(task.outcome or task.state))
    attempts_number = column("Attempts", lambda task: formats.quantity(task.attempts))
    created = column("Created", lambda task: formats.moment(task.created_at))
    message_short = column("Message", lambda task: task.message[:60] or formats.EMPTY)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Operators replay and set aside."""
        return request.user.has_perm(OPERATE)

    @action(description="Replay (parked only)", permissions=["operate"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        """Queue the selected parked tasks again."""
        count = replay_tasks(task_ids=list(queryset.values_list("id", flat=True)), actor=actor_of(request))
        success(request, f"{count} tasks queued again")

    @action(description="Set aside (parked only)", permissions=["operate"])
    def set_aside(self, request: HttpRequest, queryset: QuerySet[Task]) -> None:
        """Close the selected parked tasks without telling them."""
        ids = list(queryset.values_list("id", flat=True))
        count = set_aside_tasks(task_ids=ids, actor=actor_of(request), reason="set aside from the list")
        success(request, f"{count} tasks set aside")

    def get_facts(self, obj: Task) -> list[Fact]:
        """What it is about and where it stands."""
        order = (
            formats.link(record_url("orders_order", obj.order_id), f"order {obj.order_id}")
            if obj.order_id
            else formats.EMPTY
        )
        return [
            ("Queue", obj.queue.name),
            ("Lane", obj.lane),
            ("About", order if obj.order_id else obj.key),
            ("Outcome", formats.chip(obj.outcome)),
            ("Attempts", formats.quantity(obj.attempts)),
            ("Created", formats.moment(obj.created_at)),
            ("Due", formats.moment(obj.due_at) if obj.state == "queued" else formats.EMPTY),
            ("Finished", formats.moment(obj.finished_at)),
            ("Message", obj.message or formats.EMPTY),
        ]

    def get_tables(self, obj: Task) -> list[Table]:
        """Each try, with the request and reply as they were kept: redacted."""
        return [attempts_table(obj)]

    def get_record_actions(self, obj: Task) -> list[Action]:
        """Parked tasks are replayed or set aside."""
        if obj.state != Task.State.PARKED:
            return []
        return [
            Action(
                "replay", "Replay", OPERATE, ConsoleForm, lambda _data, actor: _replay(obj.pk, actor),
                submit="Queue it again", icon="replay", intro="It is told again, in its old place in the lane.",
            ),
            Action(
                "set_aside", "Set aside", OPERATE, ReasonForm, lambda data, actor: _set_aside(obj.pk, data, actor),
                submit="Set aside", icon="block", danger=True,
                intro="It is never told, and what waits behind it goes on.",
            ),
        ]  # fmt: skip


def attempts_table(task: Task) -> Table:
    """Each try at a task."""
    return Table(
        "Attempts",
        columns("#No.", "Started", "Outcome", "#HTTP", "Error", "Request", "Response", "Worker"),
        [
            (
                attempt.number,
                formats.moment(attempt.started_at),
                formats.chip(attempt.outcome_class),
                attempt.http_status or formats.EMPTY,
                attempt.error or formats.EMPTY,
                formats.fold("request", attempt.request_excerpt),
                formats.fold("response", attempt.response_excerpt),
                attempt.worker,
            )
            for attempt in task.attempt_set.order_by("-id")[:50]
        ],
        "Not tried yet. A worker takes it up when it is due.",
    )


def _replay(task_id: int, actor: str) -> str:
    return "queued again" if replay_tasks(task_ids=[task_id], actor=actor) else "it was no longer parked"


def _set_aside(task_id: int, data: Mapping[str, Any], actor: str) -> str:
    count = set_aside_tasks(task_ids=[task_id], actor=actor, reason=data["reason"])
    return "set aside" if count else "it was no longer parked"


@register(Queue, site=site)
class QueueAdmin(ConsoleAdmin[Queue]):
    """Destinations: pause, breaker and rate limit. Channels bring their own."""

    addable = False
    keyset = "name"
    list_display = (
        "name",
        "state_chip",
        "pause_reason",
        "opens",
        "failures_number",
        "max_in_flight",
        "rate_per_second",
    )
    fields = ("name", "max_in_flight", "rate_per_second")
    readonly_fields = ("name",)
    actions = ("pause", "resume", "export_selected")

    state_chip = column("State", lambda queue: formats.chip("paused" if queue.paused else "active"))
    opens = column("Not before", lambda queue: formats.moment(queue.not_before))
    failures_number = column("Failures in a row", lambda queue: formats.quantity(queue.failures_in_row))

    @action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Stop telling these destinations anything."""
        for queue in queryset:
            pause_queue(queue_id=queue.pk, reason="paused in the console", actor=actor_of(request))
        success(request, f"paused {', '.join(queue.name for queue in queryset)}")

    @action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Go on at once."""
        for queue in queryset:
            resume_queue(queue_id=queue.pk, actor=actor_of(request))
        success(request, f"resumed {', '.join(queue.name for queue in queryset)}")


@register(Schedule, site=site)
class ScheduleAdmin(ConsoleAdmin[Schedule]):
    """What runs by the clock; each comes with what it runs."""

    addable = False
    keyset = "id"
    list_display = ("kind", "lane", "queue", "every", "on", "next_run", "last_run")
    list_select_related = ("queue",)
    fields = ("kind", "lane", "every_seconds", "enabled")
    readonly_fields = ("kind", "lane")

    every = column("Every", lambda schedule: formats.duration(schedule.every_seconds))
    on = column("On", lambda schedule: formats.yes_no(schedule.enabled))
    next_run = column("Next", lambda schedule: formats.moment(schedule.next_due_at))
    last_run = column("Last", lambda schedule: formats.moment(schedule.last_due_at))


@register(Worker, site=site)
class WorkerAdmin(ReadOnlyAdmin[Worker]):
    """Worker processes and when they were last seen."""

    keyset = "name"
    list_display = ("name", "started", "seen")
    next_step = "Start one with `retailops worker`."

    started = column("Started", lambda worker: formats.moment(worker.started_at))
    seen = column("Seen", lambda worker: formats.moment(worker.seen_at))
