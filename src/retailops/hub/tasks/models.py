"""Work to be done outside a transaction: told to a channel, or run by a worker.

A `Task` is written in the same commit as the change it tells of. Tasks of one `Lane` run strictly one after the other;
lanes of one `Queue` (a channel, or the hub itself) share its pause, its circuit breaker and its rate limit.
"""

from django.contrib.postgres.functions import TransactionNow
from django.db import models


class Queue(models.Model):
    """Everything bound for one destination: a channel, or the hub's own work."""

    name = models.CharField(max_length=100, unique=True, help_text="channel:CODE, or hub")
    paused = models.BooleanField(default=False, db_default=False)
    pause_reason = models.CharField(max_length=300, default="", db_default="", blank=True)
    not_before = models.DateTimeField(
        null=True, blank=True, help_text="Set by the circuit breaker and by Retry-After"
    )
    failures_in_row = models.PositiveIntegerField(default=0, db_default=0)
    max_in_flight = models.PositiveSmallIntegerField(
        default=128,
        db_default=128,
        help_text="Lanes that one worker takes up at once; it calls over at most 16 connections",
    )
    rate_per_second = models.FloatField(
        null=True, blank=True, help_text="Requests per second over all workers; empty: no limit"
    )
    tokens = models.FloatField(default=0, db_default=0, editable=False)
    tokens_at = models.DateTimeField(db_default=TransactionNow(), editable=False)

    def __str__(self) -> str:
        return self.name


class Lane(models.Model):
    """A line of tasks that run one at a time and in order; the row lives only while it has tasks to run.

    `due_at` is when a worker may claim it. Claiming pushes `due_at` to the end of the lease, so a lane whose worker
    died becomes due by itself; `fence` is new at each claim, and a late writer's old fence matches nothing.
    """

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE)
    name = models.CharField(max_length=120, unique=True)
    due_at = models.DateTimeField(db_default=TransactionNow())
    fence = models.BigIntegerField(null=True)
    claimed_at = models.DateTimeField(null=True)
    worker = models.CharField(max_length=120, default="", db_default="")
    blocked = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Its first task is parked, and what follows must not overtake it",
    )

    class Meta:
        indexes = [
            models.Index(fields=["queue", "due_at"], name="lane_due", condition=models.Q(blocked=False))
        ]

    def __str__(self) -> str:
        return self.name


class Task(models.Model):
    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        PARKED = "parked"

    class Outcome(models.TextChoices):
        """What the other side said, apart from whether we could talk to it."""

        NONE = "", "not yet"
        OK = "ok"
        OK_WITH_ERRORS = "ok_with_errors", "ok, with errors"
        REFUSED = "refused"

    queue = models.ForeignKey(Queue, on_delete=models.PROTECT)
    lane = models.CharField(max_length=120)
    kind = models.CharField(max_length=40, help_text="An interaction, or a job of the hub")
    key = models.CharField(
        max_length=120,
        help_text="What it is about; a queued task with the same lane, kind and key stands for both",
    )
    subject_id = models.BigIntegerField(
        null=True, help_text="Primary key of the order, package, listing… it is about"
    )
    order = models.ForeignKey("orders.Order", null=True, on_delete=models.CASCADE)
    payload = models.JSONField(default=dict, db_default={})
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.QUEUED, db_default=State.QUEUED
    )
    outcome = models.CharField(
        max_length=15, choices=Outcome.choices, default=Outcome.NONE, db_default="", blank=True
    )
    message = models.TextField(
        default="", db_default="", blank=True, help_text="The last error or event, in plain words"
    )
    attempts = models.PositiveIntegerField(default=0, db_default=0)
    ambiguous_attempts = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Attempts whose effect on the other side is not known"
    )
    first_attempt_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(db_default=TransactionNow())
    created_at = models.DateTimeField(db_default=TransactionNow())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["lane", "id"],
                name="task_lane_live",
                condition=models.Q(state__in=["queued", "running"]),
            ),
            models.Index(fields=["queue", "id"], name="task_parked", condition=models.Q(state="parked")),
            models.Index(fields=["order", "id"], name="task_order"),
            models.Index(fields=["finished_at"], name="task_finished"),
            models.Index(fields=["id"], name="task_refused", condition=models.Q(outcome="refused")),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["lane", "kind", "key"], condition=models.Q(state="queued"), name="task_queued_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class Attempt(models.Model):
    """One try at a task. Written before the call, so that a crash leaves "unknown", never "not tried"."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, db_index=False)
    number = models.PositiveIntegerField()
    worker = models.CharField(max_length=120)
    fence = models.BigIntegerField()
    started_at = models.DateTimeField(db_default=TransactionNow())
    ended_at = models.DateTimeField(null=True)
    outcome_class = models.CharField(
        max_length=15,
        default="unknown",
        db_default="unknown",
        help_text="ok, ok_with_errors, refused, retryable, throttled, auth, redirect, violation, unknown",
    )
    http_status = models.PositiveSmallIntegerField(null=True)
    request_excerpt = models.TextField(default="", db_default="")
    response_excerpt = models.TextField(default="", db_default="")
    error = models.TextField(default="", db_default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "fence"], name="attempt_once_per_claim")]

    def __str__(self) -> str:
        return f"attempt {self.number}"


class Schedule(models.Model):
    """Puts a task into a lane every `every_seconds`."""

    queue = models.ForeignKey(Queue, on_delete=models.CASCADE)
    kind = models.CharField(max_length=40)
    lane = models.CharField(max_length=120)
    every_seconds = models.PositiveIntegerField()
    enabled = models.BooleanField(default=True, db_default=True)
    next_due_at = models.DateTimeField(db_default=TransactionNow())
    last_due_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["lane", "kind"], name="schedule_once")]
        indexes = [
            models.Index(fields=["next_due_at"], name="schedule_due", condition=models.Q(enabled=True))
        ]

    def __str__(self) -> str:
        return f"{self.kind} every {self.every_seconds} s"


class Worker(models.Model):
    """A worker process and when it was last seen."""

    name = models.CharField(max_length=120, unique=True)
    started_at = models.DateTimeField(db_default=TransactionNow())
    seen_at = models.DateTimeField(db_default=TransactionNow())

    def __str__(self) -> str:
        return self.name
