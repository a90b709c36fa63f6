"""Whatever a storefront answers, to whichever interaction: the outcome is classified and on record, and the worker goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx
import pytest
from django.db import OperationalError, connection, transaction
from psycopg.conninfo import make_conninfo
from psycopg.errors import LockNotAvailable

from retailops.contract.interactions import INTERACTIONS
from retailops.demo.storefront.faults import AFTER_EFFECT, BEFORE_EFFECT, PAGE_FAULTS
from retailops.demo.storefront.process import running_storefront
from retailops.hub.catalog.models import Listing
from retailops.hub.channels.models import Channel, ContractViolation
from retailops.hub.db import execute, fetch
from retailops.hub.payments.models import PaymentTransaction
from retailops.hub.tasks.operations.enqueue_tasks import NewTask, enqueue_tasks
from retailops.hub.tasks.operations.replay_tasks import resume_queue
from tests.faults.deployment import ROOT, is_running, resident_megabytes, wait_until
from tests.hub.channels.test_requests import Story

MEGABYTES = 250
TOLD = frozenset({"ok", "ok_with_errors", "refused"})
#: Fault → what its calls may be judged to be. Faults of pages concern order_pull alone.
OUTCOMES: Mapping[str, frozenset[str]] = {
    "drop-before-effect": frozenset({"unknown"}),
    "drop-after-effect": frozenset({"unknown"}),
    "half-body": frozenset({"unknown"}),
    "wrong-length": frozenset({"unknown"}),
    "status-500": frozenset({"retryable"}),
    "html-502": frozenset({"retryable"}),
    "status-503": frozenset({"throttled"}),
    "status-429": frozenset({"throttled"}),
    "redirect": frozenset({"redirect"}),
    "unauthorized-burst": frozenset({"auth"}),
    "html-200": frozenset({"violation"}),
    "invalid-json": frozenset({"violation"}),
    "nan-money": frozenset({"violation"}),
    "duplicate-keys": frozenset({"violation"}),
    "nul": frozenset({"violation"}),
    "lone-surrogate": frozenset({"violation"}),
    "deep-nesting": frozenset({"violation"}),
    # What can be understood is taken, what can't is named; where it might be money, it is asked for again.
    "wrong-types": TOLD | {"violation"},
    "huge-body": frozenset({"unknown"}),
    "slow": TOLD,
    "endless-pages": TOLD,
    "repeated-token": TOLD,
    "duplicate-order": TOLD,
    "mutated-order": TOLD,
}
#: Twice what is read at most, by all twelve at once; one reply of 64 MB has a test of its own.
ARGUMENTS = {"huge-body": ":16", "slow": ":100", "status-503": ":0", "status-429": ":0"}


@dataclass
class Rig:
    """An order that has been through everything, a storefront that knows it, and a worker in a process of its own."""

    story: Story
    storefront: httpx.Client
    worker: int

    def set_fault(self, spec: str) -> None:
        self.storefront.post("/admin/faults", json={"faults": spec}).raise_for_status()

    def tell_everything(self) -> None:
        """Queue one task of each kind, each in a lane of its own."""
        self.forget()
        story = self.story
        subjects = {
            "order_shipment_submit": story.package.pk, "order_settle_payment": story.settling.pk,
            "order_returned": story.return_id, "payment_credit": story.refund.pk, "catalog_push": story.product_id,
            "inventory_push": story.listing.pk,
        }  # fmt: skip
        with transaction.atomic():
            enqueue_tasks(
                [
                    NewTask(
                        story.channel.queue_id, f"corpus:{kind}", kind, "corpus", subjects.get(kind, story.order.pk),
                        story.order.pk, {"force": True},
                    )
                    for kind in INTERACTIONS
                ]
            )  # fmt: skip

    def forget(self) -> None:
        """Undo what was told. What is still in flight is fenced."""
        wait_until("the worker between two steps", _delete_tasks, seconds=10, describe=self.standing)
        PaymentTransaction.objects.filter(pk__in=[self.story.settling.pk, self.story.refund.pk]).update(
            state="pending", refnum=""
        )
        Listing.objects.update(push_state="pending")
        ContractViolation.objects.all().delete()
        self.resume()

    def resume(self) -> None:
        resume_queue(queue_id=self.story.channel.queue_id, actor="test")

    def first_outcomes(self) -> dict[str, str]:
        """Kind → what was made of the first call of each task that has an answer."""
        return dict(
            fetch(
                """SELECT DISTINCT ON (t.kind) t.kind, a.outcome_class FROM tasks_task t JOIN tasks_attempt a ON a.task_id = t.id
                   WHERE t.lane LIKE 'corpus:%%' AND a.ended_at IS NOT NULL ORDER BY t.kind, a.id""",
                {},
            )
        )

    def has_answers(self) -> bool:
        """Whether every task has been answered once; keeps the channel going until then."""
        self.resume()
        return set(self.first_outcomes()) == set(INTERACTIONS)

    def standing(self) -> str:
        """Where it got stuck."""
        tasks = "SELECT lane, kind, state, attempts, message, due_at - now() FROM tasks_task"
        lanes = "SELECT name, fence, due_at - now() FROM tasks_lane"
        return "\n".join(map(str, [*fetch(tasks), *fetch(lanes)]))

    def calls(self) -> list[tuple[str, str]]:
        """(Interaction, fault) of every call that the storefront has had."""
        journal = self.storefront.get("/admin/state", params={"limit": 10**6, "orders_after": 10**9}).json()[
            "journal"
        ]
        return [(entry["interaction"], entry["fault"]) for entry in journal]


def _delete_tasks() -> bool:
    """Whether it could be done at once: waiting for some of the locks while holding others, the worker and we would deadlock."""
    try:
        with transaction.atomic():
            execute("LOCK TABLE tasks_lane, tasks_task, tasks_attempt IN ACCESS EXCLUSIVE MODE NOWAIT")
            for table in ("lane", "attempt", "task"):
                execute(f"DELETE FROM tasks_{table}")
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        return False
    return True


@pytest.fixture
def rig(transactional_db, data_dir) -> Iterator[Rig]:
    story = Story()
    database = make_conninfo(os.environ["DATABASE_URL"], dbname=connection.settings_dict["NAME"])
    with (
        running_storefront(data_dir.with_suffix(".sqlite"), key=story.channel.auth_key) as shop,
        httpx.Client(base_url=shop.url, timeout=30) as http,
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker_nursery", "30"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": database, "RETAILOPS_LOG_LEVEL": "ERROR"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as nursery,
    ):
        Channel.objects.filter(pk=story.channel.pk).update(base_url=f"{shop.url}/api/channel")
        items = [{"sku": "A", "quantity": 3, "unit_price": 10}, {"sku": "B", "quantity": 2, "unit_price": 10}]
        for refnum in ("R-1", "R-2", "R-3"):
            http.post(
                "/shop/orders", json={"refnum": refnum, "items": items, "backorder": True}
            ).raise_for_status()
        try:
            assert nursery.stdin is not None
            assert nursery.stdout is not None
            nursery.stdin.write(b"corpus\n")
            nursery.stdin.flush()
            yield Rig(story, http, int(nursery.stdout.readline()))
        finally:
            nursery.kill()


def test_the_table_names_every_fault():
    assert set(OUTCOMES) == BEFORE_EFFECT | AFTER_EFFECT | PAGE_FAULTS


def test_every_fault_of_every_interaction_ends_in_a_recorded_outcome(rig):
    wrong: list[str] = []
    for fault, allowed in OUTCOMES.items():
        kinds = {"order_pull"} if fault in PAGE_FAULTS else set(INTERACTIONS)
        rig.set_fault(f"{fault}:1{ARGUMENTS.get(fault, '')}")
        rig.tell_everything()
        wait_until(fault, rig.has_answers, seconds=30, describe=rig.standing)
        outcomes = rig.first_outcomes()
        wrong += [f"{fault}, {kind}: {outcomes[kind]}" for kind in kinds if outcomes[kind] not in allowed]
        wrong += [f"{fault}, {kind}: never called" for kind in kinds if (kind, fault) not in rig.calls()]
        if allowed == {"violation"}:
            named = set(ContractViolation.objects.values_list("interaction", flat=True))
            wrong += [f"{fault}, {kind}: not named as a violation" for kind in kinds - named]
        assert is_running(rig.worker), fault
    assert not wrong, "\n".join(wrong)
    assert resident_megabytes(rig.worker) < MEGABYTES


def test_a_reply_of_64_megabytes_is_cut_short(rig):
    before = resident_megabytes(rig.worker)
    rig.set_fault("huge-body@inventory_push:1:64")
    rig.tell_everything()
    wait_until("everything told", lambda: set(rig.first_outcomes()) == set(INTERACTIONS), seconds=30)
    assert rig.first_outcomes()["inventory_push"] == "unknown"
    errors = """SELECT a.error FROM tasks_attempt a JOIN tasks_task t ON t.id = a.task_id
                WHERE t.lane = 'corpus:inventory_push' AND a.ended_at IS NOT NULL ORDER BY a.id LIMIT 1"""
    assert fetch(errors) == [("too_large: the reply's body is over the limit of 8388608 bytes",)]
    assert resident_megabytes(rig.worker) < min(MEGABYTES, before + 64)


@pytest.mark.parametrize("fault", ["redirect", "unauthorized-burst"])
def test_what_a_person_must_mend_stops_the_channel_until_it_is_resumed(rig, fault):
    rig.set_fault(f"{fault}:1")
    rig.tell_everything()
    wait_until(
        "the channel is stopped", lambda: fetch("SELECT 1 FROM tasks_queue WHERE paused") != [], seconds=30
    )
    wait_until(
        "nothing is in flight",
        lambda: fetch("SELECT 1 FROM tasks_lane WHERE fence IS NOT NULL") == [],
        seconds=30,
    )
    calls = rig.calls()
    with transaction.atomic():
        enqueue_tasks([NewTask(rig.story.channel.queue_id, "corpus:later", "catalog_get_config", "later")])
    rig.set_fault("")
    with pytest.raises(AssertionError, match="called although it is stopped"):
        wait_until("called although it is stopped", lambda: rig.calls() != calls, seconds=1.5)
    rig.resume()
    told = "SELECT 1 FROM tasks_task WHERE state <> 'succeeded' AND lane LIKE 'corpus:%%'"
    wait_until("everything told", lambda: fetch(told, {}) == [], seconds=30)
