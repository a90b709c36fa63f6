"""Kills processes by a seed's plan, each time another one, and starts them again."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter

from tests.faults.deployment import LEASE_SECONDS, Deployment, is_running

#: What is done, and how often: the database takes longest to come back.
PLAN = {"worker": 45, "both workers": 12, "web": 12, "database": 12, "backend": 9, "pause a worker": 10}
LONGER_THAN_LEASE = LEASE_SECONDS + 1.0


class Killer:
    """`run` returns when so many kills have been made; pauses are not kills."""

    def __init__(self, deployment: Deployment, seed: int) -> None:
        self.done = Counter[str]()
        self._deployment = deployment
        self._chance = random.Random(seed)
        self._paused: dict[int, float] = {}  # pid → when it goes on

    @property
    def kills(self) -> int:
        """How often something was killed."""
        return self.done.total() - self.done["pause a worker"]

    def run(self, kills: int) -> None:
        """Kill, with moments of work in between."""
        while self.kills < kills:
            time.sleep(self._chance.uniform(0.3, 0.8))
            self._resume(time.monotonic())
            [what] = self._chance.choices([*PLAN], [*PLAN.values()])
            for pid in self._deployment.workers:
                assert is_running(pid), f"a worker ended by itself\n{self._deployment.log()[-4000:]}"
            self._do(what)
            self.done[what] += 1
        self._resume(float("inf"))

    def _do(self, what: str) -> None:
        deployment, chance = self._deployment, self._chance
        match what:
            case "worker":
                self._kill_worker(chance.randrange(len(deployment.workers)))
            case "both workers":
                for index in range(len(deployment.workers)):
                    self._kill_worker(index)
            case "web":
                deployment.kill_web()
            case "database":
                deployment.kill_database()
            case "backend":
                deployment.kill_backend(chance.random())
            case _:
                pid = chance.choice(deployment.workers)
                os.kill(pid, signal.SIGSTOP)
                self._paused.setdefault(pid, time.monotonic() + LONGER_THAN_LEASE)

    def _kill_worker(self, index: int) -> None:
        self._paused.pop(self._deployment.workers[index], None)
        self._deployment.kill_worker(index)

    def _resume(self, now: float) -> None:
        for pid, until in list(self._paused.items()):
            if until <= now:
                del self._paused[pid]
                os.kill(pid, signal.SIGCONT)
