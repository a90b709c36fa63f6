"""The embedded server against the faults it promises to survive; real processes, real kill -9."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from retailops.embedded import EmbeddedPostgres, EmbeddedPostgresError, StillStartingError, processes
from retailops.embedded.account import STAND_INS

SMALL = {"shared_buffers": "16MB"}


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir, settings=SMALL)
    yield server
    server.stop()


def query(url: str, statement: str) -> object:
    """The one value that the statement returns; None for one that returns none."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall()[0][0] if cursor.description else None


def wait_until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Whether no process has this pid, or only a zombie that nobody waits for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_starts_with_safe_and_tuned_settings(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        url = server.start()
        wanted = {
            "data_checksums": "on",
            "fsync": "on",
            "full_page_writes": "on",
            "synchronous_commit": "on",
            "server_encoding": "UTF8",
            "shared_buffers": "256MB",
            "max_wal_size": "4GB",
            "jit": "off",
            "TimeZone": "UTC",
        }
        assert {name: query(url, f"SHOW {name}") for name in wanted} == wanted
        # Data files and the settings are out of SQL's reach: the hub's role is no superuser.
        assert query(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
        assert query(url, "SELECT string_agg(c, '' ORDER BY c) FROM unnest('{a,B,é}'::text[]) c") == "Baé"


def test_listens_on_no_network(server: EmbeddedPostgres) -> None:
    url = server.start()
    with psycopg.connect(url) as connection:
        assert connection.info.host.startswith("/")
        assert connection.execute("SELECT inet_server_addr()").fetchone() == (None,)
        assert Path(connection.info.host).stat().st_mode & 0o777 == 0o700


def test_stop_ends_it_and_start_brings_the_data_back(server: EmbeddedPostgres) -> None:
    url = server.start()
    query(url, "CREATE TABLE kept AS SELECT 41 AS n")
    pid = server.pid
    assert pid is not None
    server.stop()
    assert (server.pid, server.is_alive(), gone(pid)) == (None, False, True)
    assert query(server.start(), "SELECT n FROM kept") == 41


def test_start_again_is_the_same_server(server: EmbeddedPostgres) -> None:
    url, pid = server.start(), server.pid
    assert (server.start(), server.pid) == (url, pid)


def test_stop_without_start_does_nothing(server: EmbeddedPostgres) -> None:
    server.stop()
    assert server.pid is None


def test_restarts_after_kill_9_of_the_postmaster(server: EmbeddedPostgres) -> None:
    url = server.start()
    query(url, "CREATE TABLE kept AS SELECT 41 AS n")
    with psycopg.connect(
        url, autocommit=True
    ) as busy:  # an orphaned backend, for as long as it takes to notice
        busy.execute("SELECT 1")
        killed = server.pid
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        assert server.start() == url
        assert server.pid not in {None, killed}
    assert query(url, "SELECT n FROM kept") == 41


def test_restarts_while_an_orphaned_backend_still_works(server: EmbeddedPostgres) -> None:
    url = server.start()
    with psycopg.connect(url, autocommit=True) as busy:
        backend = busy.info.backend_pid
        killed = server.pid
        assert killed is not None
        os.kill(backend, signal.SIGSTOP)  # it can't notice that its postmaster is gone
        os.kill(killed, signal.SIGKILL)
        with ThreadPoolExecutor(1) as pool:
            starting = pool.submit(server.start)
            time.sleep(1.0)
            assert not starting.done()  # two servers on one directory would destroy it
            os.kill(backend, signal.SIGKILL)
            assert starting.result(timeout=30) == url
    assert query(url, "SELECT 1") == 1


def test_commits_survive_kill_9_of_all_processes(server: EmbeddedPostgres) -> None:
    url = server.start()
    query(url, "CREATE TABLE kept (n int)")
    query(url, "INSERT INTO kept SELECT generate_series(1, 1000)")
    postmaster = server.pid
    assert postmaster is not None
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for pid in (postmaster, *map(int, children)):
        os.kill(pid, signal.SIGKILL)
    assert query(server.start(), "SELECT sum(n) FROM kept") == 500_500


STARTER = """
    import sys, time
    from pathlib import Path
    from retailops.embedded import EmbeddedPostgres
    server = EmbeddedPostgres(Path(sys.argv[1]), settings={"shared_buffers": "16MB"})
    print(server.start(), flush=True)
    sys.stdin.read()
    server.stop()
    print("stopped", flush=True)
"""


def start_elsewhere(data_dir: Path) -> subprocess.Popen[str]:
    """A process of its own that starts the server and holds it until its standard input closes."""
    command = [sys.executable, "-c", textwrap.dedent(STARTER), str(data_dir)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_adopts_the_server_of_a_killed_supervisor(server: EmbeddedPostgres, data_dir: Path) -> None:
    with start_elsewhere(data_dir) as starter:
        url = line_of(starter)
        running = server.pid
        starter.kill()
    assert running is not None
    assert query(url, "SELECT 1") == 1  # it outlives its supervisor
    assert server.start() == url
    assert server.pid == running
    server.stop()
    assert gone(running)


def test_the_last_user_stops_the_server(server: EmbeddedPostgres, data_dir: Path) -> None:
    with start_elsewhere(data_dir) as starter:
        url = line_of(starter)
        assert server.start() == url
        starter.communicate()
        assert starter.returncode == 0
        assert query(url, "SELECT 1") == 1  # still in use here
    pid = server.pid
    server.stop()
    assert pid is not None
    assert gone(pid)


def test_leaving_a_server_that_others_use_leaves_it_running(server: EmbeddedPostgres, data_dir: Path) -> None:
    with start_elsewhere(data_dir) as starter:
        url = line_of(starter)
        server.start()
        server.stop()
        assert query(url, "SELECT 1") == 1
        assert starter.communicate()[0].strip() == "stopped"
    assert server.pid is None


def test_starters_racing_for_a_fresh_directory_share_one_server(
    server: EmbeddedPostgres, data_dir: Path
) -> None:
    starters = [start_elsewhere(data_dir) for _ in range(3)]
    urls = {line_of(starter) for starter in starters}
    assert urls == {server.start()}
    assert (data_dir / "log" / "postgres.log").read_text().count("starting PostgreSQL") == 1
    for starter in starters:
        starter.communicate()
        assert starter.returncode == 0
    server.stop()
    assert server.pid is None


def test_a_pid_file_whose_pid_was_reused_is_stale(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    server.stop()
    (data_dir / "postgres" / "postmaster.pid").write_text(
        f"{os.getpid()}\n{data_dir}/postgres\n0\n5432\n/tmp\n\n\n"
    )
    assert server.pid is None
    assert query(server.start(), "SELECT 1") == 1


def test_the_locks_of_a_killed_server_that_nobody_reaped_are_stale(
    server: EmbeddedPostgres, data_dir: Path
) -> None:
    starter = start_elsewhere(data_dir)
    url = line_of(starter)
    starter.kill()
    starter.communicate()
    killed = server.pid
    assert killed is not None
    # A zombie would do as well, but takes a parent that does not reap: any living pid is the same to PostgreSQL.
    socket_lock = Path(str(psycopg.conninfo.conninfo_to_dict(url)["host"])) / ".s.PGSQL.5432.lock"
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: gone(killed))
    for lock in (data_dir / "postgres" / "postmaster.pid", socket_lock):
        lock.write_text(lock.read_text().replace(str(killed), str(os.getpid()), 1))
    assert server.start() == url


def test_interrupted_initdb_is_begun_anew(server: EmbeddedPostgres, data_dir: Path) -> None:
    half = data_dir / "postgres.new-interrupted"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert query(server.start(), "SELECT 1") == 1
    assert not half.exists()


def test_a_cluster_of_a_version_we_lack_is_named(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    server.stop()
    (data_dir / "postgres" / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(EmbeddedPostgresError, match=r"was made by PostgreSQL 9\.6"):
        server.start()


def test_a_failing_start_shows_the_servers_own_words(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir, settings={"no_such_setting": "1"})
    with pytest.raises(EmbeddedPostgresError, match='unrecognized configuration parameter "no_such_setting"'):
        server.start()
    server.stop()


def test_stop_ends_a_server_that_does_not_answer_yet(server: EmbeddedPostgres, data_dir: Path) -> None:
    server.start()
    server.stop()
    with pytest.raises(StillStartingError, match="does not answer yet"):
        server.start(timeout=0)
    server.stop()
    assert server.pid is None
    assert not processes.has_orphans(data_dir / "postgres")


def test_a_long_path_gets_a_short_socket(data_dir: Path) -> None:
    long = data_dir / ("d" * 60) / ("e" * 60)
    with EmbeddedPostgres(long, settings=SMALL) as server:
        assert query(server.start(), "SELECT 1") == 1


def test_ctrl_c_at_the_terminal_does_not_reach_it(server: EmbeddedPostgres) -> None:
    server.start()
    assert server.pid is not None
    assert os.getsid(server.pid) != os.getsid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="root only")
def test_root_runs_it_as_another_user_below_a_private_directory(data_dir: Path) -> None:
    private = data_dir.parent / "private"
    private.mkdir(mode=0o700)
    with EmbeddedPostgres(private / "data", settings=SMALL) as server:
        url = server.start()
        assert server.pid is not None
        assert Path(f"/proc/{server.pid}").owner() in STAND_INS
        query(url, "CREATE TABLE kept AS SELECT 41 AS n")
        os.kill(server.pid, signal.SIGKILL)
        assert query(server.start(), "SELECT n FROM kept") == 41
    assert private.stat().st_mode & 0o777 == 0o700
    assert private.stat().st_uid == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="root only")
def test_a_cluster_owned_by_root_is_refused_with_the_way_out(
    server: EmbeddedPostgres, data_dir: Path
) -> None:
    server.start()
    server.stop()
    os.chown(data_dir / "postgres", 0, 0)
    with pytest.raises(EmbeddedPostgresError, match="chown -R it to another user"):
        server.start()
