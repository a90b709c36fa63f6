"""`retailops tasks`: what waits to be told or done, and what to do with what is parked."""

import getpass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from retailops.cli.errors import CommandError
from retailops.cli.hub import hub
from retailops.cli.options import DataDir

# Help breaks lines where this does: each paragraph is one line, folded here by backslashes.
HELP = """Look at queued work, replay what is parked.

A task is one thing to tell a channel (an order was shipped, a quantity changed) or a job of the hub. Workers do them by \
themselves; what fails is tried again for 76 hours.

What still fails then, or what trying again can't mend, is [bold]parked[/bold]: kept with its last message until somebody \
decides, never dropped. Other orders and channels go on; the later tasks of the same order wait, so that nothing is told \
out of turn. Mend the cause and replay the task, or set it aside if nobody need be told any more.

[bold]Examples[/bold]

Where does work pile up? What is parked, and why?
  retailops tasks status
  retailops tasks list --queue channel:shop
The channel is mended; tell it everything that is parked, or two tasks only:
  retailops tasks replay --all --queue channel:shop
  retailops tasks replay 4711 4712
The buyer was refunded by hand; the channel need not be asked to:
  retailops tasks set-aside 4711 --reason "refunded by hand"
The shop moves tonight; tell it nothing, then go on:
  retailops tasks pause channel:shop --reason "moves tonight"
  retailops tasks resume channel:shop
"""

app = typer.Typer(no_args_is_help=True, help=HELP)

Queue = Annotated[str, typer.Option(help="Only this queue, as `channel:CODE` or `hub`.")]
Kind = Annotated[str, typer.Option(help="Only this kind, as `order_shipment_submit`.")]
Ids = Annotated[list[int] | None, typer.Argument(help="Task ids, as `retailops tasks list` prints them.")]
All = Annotated[bool, typer.Option("--all", help="All parked tasks (of --queue and --kind).")]


@app.command()
def status(data_dir: DataDir = None) -> None:
    """Show each queue: what waits, runs, is parked, and whether it is paused."""
    with hub({"data_dir": data_dir}):
        from retailops.hub.tasks.queries import queue_states

        table = Table("queue", "waiting", "running", "parked", "lanes blocked", "oldest waits", "state")
        for queue in queue_states():
            state = f"paused: {queue.pause_reason}" if queue.paused else "ok"
            if queue.not_before and not queue.paused:
                state = f"not called before {queue.not_before:%H:%M:%S} UTC"
            counts = (queue.waiting, queue.running, queue.parked, queue.blocked_lanes)
            table.add_row(queue.name, *map(str, counts), f"{queue.oldest_seconds:.0f} s", state)
        Console().print(table)


@app.command("list")
def list_(
    state: Annotated[str, typer.Option(help="parked, queued, running or succeeded.")] = "parked",
    queue: Queue = "",
    kind: Kind = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    data_dir: DataDir = None,
) -> None:
    """List tasks, the newest first; parked ones unless --state says otherwise."""
    if state not in {"parked", "queued", "running", "succeeded"}:
        message = f"--state {state}: choose parked, queued, running or succeeded"
        raise CommandError(message)
    with hub({"data_dir": data_dir}):
        from retailops.hub.tasks.queries import list_tasks

        rows = list_tasks(states=[state], queue=queue, kind=kind, limit=limit)
        if not rows:
            print(f"No tasks are {state}.")
            return
        table = Table("id", "queue", "kind", "key", "lane", "attempts", "message")
        for row in rows:
            table.add_row(
                str(row.id), row.queue, row.kind, row.key, row.lane, str(row.attempts), row.message[:120]
            )
        Console().print(table)


@app.command()
def replay(
    ids: Ids = None, *, everything: All = False, queue: Queue = "", kind: Kind = "", data_dir: DataDir = None
) -> None:
    """Queue parked tasks again, in their old places."""
    with hub({"data_dir": data_dir}):
        from retailops.hub.tasks.operations.replay_tasks import replay_tasks

        chosen = _chosen(ids, queue, kind, everything=everything)
        print(f"{replay_tasks(task_ids=chosen, actor=_actor())} tasks are queued again.")


@app.command("set-aside")
def set_aside(
    reason: Annotated[str, typer.Option(help="Why they need not be told; kept with the tasks.")],
    ids: Ids = None,
    *,
    everything: All = False,
    queue: Queue = "",
    kind: Kind = "",
    data_dir: DataDir = None,
) -> None:
    """Close parked tasks without telling them, so that what waits behind them goes on."""
    with hub({"data_dir": data_dir}):
        from retailops.hub.tasks.operations.replay_tasks import set_aside_tasks

        chosen = _chosen(ids, queue, kind, everything=everything)
        print(f"{set_aside_tasks(task_ids=chosen, actor=_actor(), reason=reason)} tasks are set aside.")


@app.command()
def pause(
    queue: str, reason: Annotated[str, typer.Option(help="Shown to everybody.")], data_dir: DataDir = None
) -> None:
    """Stop telling a destination anything; its work piles up and is not lost."""
    with hub({"data_dir": data_dir}):
        from retailops.hub.tasks.operations.replay_tasks import pause_queue

        pause_queue(queue_id=_queue_id(queue), reason=reason, actor=_actor())
        print(f"{queue} is paused. Go on with: retailops tasks resume {queue}")


@app.command()
def resume(queue: str, data_dir: DataDir = None) -> None:
    """Let a paused queue go on, or close its circuit breaker."""
    with hub({"data_dir": data_dir}):
        from retailops.hub.tasks.operations.replay_tasks import resume_queue

        resume_queue(queue_id=_queue_id(queue), actor=_actor())
        print(f"{queue} goes on.")


def _chosen(ids: list[int] | None, queue: str, kind: str, *, everything: bool) -> list[int]:
    from retailops.hub.tasks.queries import parked_ids

    if bool(ids) == everything:
        message = "name the tasks by their ids, or say --all"
        raise CommandError(message)
    return ids or parked_ids(queue=queue, kind=kind)


def _queue_id(name: str) -> int:
    from retailops.hub.tasks.queries import queue_states

    queues = {queue.name: queue.id for queue in queue_states()}
    if name not in queues:
        message = f"there is no queue {name!r}; there are {', '.join(queues)}"
        raise CommandError(message)
    return queues[name]


def _actor() -> str:
    return f"cli:{getpass.getuser()}"
