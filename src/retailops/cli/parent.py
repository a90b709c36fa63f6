"""Dying with the parent: a supervisor killed with -9 must leave no process behind."""

import ctypes
import os
import signal
import sys
import threading
import time

SUPERVISOR_PID = "RETAILOPS_SUPERVISOR_PID"
POLL_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1


def die_with_supervisor(number: signal.Signals = signal.SIGKILL) -> None:
    """Die when the supervisor that started us does; nothing to do for a process started by hand."""
    pid = os.environ.pop(SUPERVISOR_PID, None)
    if pid is not None:
        die_with(int(pid), number)


def die_with(parent: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Get the signal `number` when the process `parent`, which must be our parent, ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number)
    else:
        threading.Thread(target=_watch, args=(parent, number), daemon=True).start()
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def _watch(parent: int, number: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), number)
