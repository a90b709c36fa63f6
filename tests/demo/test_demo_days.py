"""`retailops demo` as a person runs it: whole days, from nothing, with everything going through processes and HTTP."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retailops.demo.csv_rules import COLUMNS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(800)]

DAY_SECONDS = 200
STOP_SECONDS = 30
LOG_LINES = 60
TABLE_ROW = re.compile(r"^│ (.+?) +│ +([\d,.]+) │", re.MULTILINE)


def environment() -> dict[str, str]:
    """Nothing of the test run's own database and settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RETAILOPS_", "DATABASE_URL", "DJANGO_"))
    }
    return {**kept, "PYTHONUNBUFFERED": "1", "COLUMNS": "160"}


@contextmanager
def started(data_dir: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "retailops.cli", "demo", "--data-dir", str(data_dir), *options]
    with subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
                wait_until(lambda: not (data_dir / "run" / "up.json").exists())


def wait_until(true: Callable[[], bool]) -> None:
    """Wait, at most as long as `up` may take to stop in order."""
    deadline = time.monotonic() + STOP_SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def day(data_dir: Path, *options: str) -> str:
    """Play one day and return what it printed; it must have gone well."""
    with started(data_dir, "--once", *options) as process:
        printed, _ = process.communicate(timeout=DAY_SECONDS)
    assert process.returncode == 0, printed
    return printed


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def read_until(process: subprocess.Popen[str], wanted: str, data_dir: Path) -> None:
    """Read what a day prints up to a line; if it does not come before the day is over, show all there is."""
    assert process.stdout is not None
    printed = []
    too_late = threading.Timer(DAY_SECONDS, process.kill)
    too_late.start()
    try:
        for line in process.stdout:
            printed.append(line)
            if re.search(wanted, line):
                return
            if "Everything keeps running" in line:
                break
    finally:
        too_late.cancel()
    log = (data_dir / "demo" / "up.log").read_text(errors="replace").splitlines()[-LOG_LINES:]
    pytest.fail("\n".join([f"no line with {wanted!r}:", *map(str.rstrip, printed), "up.log:", *log]))


def end_in_the_middle(data_dir: Path, number: signal.Signals, until: str) -> None:
    """Start a day that does not end by itself, and end it at a printed line; nothing may be left of it."""
    with started(data_dir, "--orders", "400") as process:
        assert process.stdout is not None
        read_until(process, until, data_dir)
        state = json.loads((data_dir / "run" / "up.json").read_text())
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        pids = [state["pid"], state["database"]["pid"], *state["processes"].values(), *map(int, children)]
        assert len(pids) >= 6  # up, database, web, worker, and up again with the storefront
        process.send_signal(number)
        rest = process.stdout.read()
        assert process.wait(timeout=60) == (-number if number is signal.SIGKILL else 130), rest
    # Those that nobody waits for any more end by themselves.
    wait_until(lambda: all(map(gone, pids)))
    assert "Traceback" not in rest


def test_days_in_one_data_directory(data_dir: Path) -> None:
    first = day(data_dir, "--orders", "24", "--seed", "11")
    rows = dict(TABLE_ROW.findall(first))
    assert int(rows["placed"]) + int(rows.get("sold out", "0")) == 24
    assert int(rows["completed"]) + int(rows["cancelled"]) == int(rows["placed"])
    for what in (
        "packages from EAST",
        "packages from WEST",
        "packages from the vendor",
        "rejected by the vendor",
        "short-shipped",
        "edited",
        "cancelled by the operator",
        "cancelled on hold",
        "holds released",
        "returned",
    ):
        assert int(rows[what]) >= 1, first
    assert "Invariants checked: " in first
    assert "The storefront's complaints about the hub: 0" in first
    assert re.search(
        r"^Console: http://127\.0\.0\.1:\d+/console/\nLog in as admin with the password \S+$",
        first,
        re.MULTILINE,
    )

    # Another two are ended in the middle: as by Ctrl-C, which a SIGTERM is turned into, and by kill -9.
    end_in_the_middle(data_dir, signal.SIGTERM, "placed [1-9]")
    end_in_the_middle(data_dir, signal.SIGKILL, "packages [1-9]")

    last = day(data_dir, "--orders", "10", "--seed", "11")
    rows = dict(TABLE_ROW.findall(last))
    assert int(rows["placed"]) + int(rows.get("sold out", "0")) == 10
    assert not (data_dir / "run" / "up.json").exists()


def sales_file(path: Path) -> Path:
    """61 rows: twelve invoices of four lines, and one of each kind of oddity."""
    rows = [
        f"{500 + n},SKU{(n + line) % 7},Thing {line},{1 + line},2010-12-01 08:{n:02d}:00,{1 + line}.25,{n}.0,France"
        for n in range(12)
        for line in range(4)
    ]
    rows += [
        '600,SKU1,"A, quoted ""thing""",1,2010-12-01 10:00:00,2.5,,EIRE',
        "600,POST,POSTAGE,1,2010-12-01 10:00:00,18.0,,EIRE",
        "600,SKU1,?,1,2010-12-01 10:00:00,2.5,,EIRE",
        "610,M,Manual,2,2010-12-01 10:00:00,7.5,,EIRE",
        "C601,SKU2,Thing 2,-2,2010-12-01 11:00:00,3.25,0.0,France",
        "C602,SKU6,Thing 9,-1,2010-12-01 11:00:00,9.99,1.0,France",
        "C603,D,Discount,-1,2010-12-01 11:00:00,5.0,1.0,France",
        "604,SKU3,damages,-7,2010-12-01 11:00:00,0,,United Kingdom",
        "605,SKU3,,4,2010-12-01 11:00:00,0,,United Kingdom",
        "606,AMAZONFEE,AMAZON FEE,1,2010-12-01 11:00:00,13000,,United Kingdom",
        "607,SKU3,Thing,many,2010-12-01 11:00:00,1,,United Kingdom",
        "608,SKU3,Thing,1,someday,1,,United Kingdom",
        '609,"SKU3,Thing,1,2010-12-01 11:00:00,1,,United Kingdom',
    ]
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    return path


def test_a_sales_file(data_dir: Path, tmp_path: Path) -> None:
    printed = day(data_dir, "--csv", str(sales_file(tmp_path / "sales.csv")))
    rows = dict(TABLE_ROW.findall(printed))
    assert (rows["order lines"], rows["return lines"], rows["together, of 61 in the file"]) == (
        "52",
        "1",
        "61",
    )
    assert rows["rejected: credit note: no matching sale in this file"] == "1"
    assert rows["rejected: a quotation mark is not closed on its line"] == "1"
    assert (rows["placed"], rows["completed"]) == ("14", "14")
    # Two units of 3.25 came back.
    assert re.search(r"│ money refunded +│ +6\.50 │ +6\.50 │ +0 │", printed)


def test_a_file_that_is_none_is_refused_before_anything_starts(data_dir: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("a,b,c\n")
    for file, message in (
        (other, "must name the columns InvoiceNo, StockCode"),
        (tmp_path / "none.csv", "No such file"),
    ):
        with started(data_dir, "--csv", str(file)) as process:
            printed, _ = process.communicate(timeout=30)
        assert (process.returncode, message in printed, "Traceback" in printed) == (1, True, False), printed
    assert not data_dir.exists()
