import base64
import dataclasses
import stat
from pathlib import Path

import pytest

from retailops.config import (
    ConfigError,
    Settings,
    callable_networks,
    ensure_secrets,
    load_settings,
    require_safe,
)

KEY = base64.b64encode(bytes(32)).decode()
SAFE = Settings(secret_key="x7Qk" * 10, encryption_keys=(KEY,))


def load(directory: Path, environ: dict[str, str] | None = None, **overrides: object) -> Settings:
    return load_settings(overrides, environ=environ or {}, cwd=directory)


def test_defaults(tmp_path: Path) -> None:
    assert load(tmp_path) == Settings(data_dir=tmp_path / "data")


def test_later_sources_win(tmp_path: Path) -> None:
    (tmp_path / "retailops.toml").write_text('web_port = 1\nclient_id = 1\nworkers = 1\nweb_host = "file"\n')
    environ = {"RETAILOPS_WEB_PORT": "2", "RETAILOPS_CLIENT_ID": "2"}
    settings = load(tmp_path, environ, web_port=3, workers=None)
    assert (settings.web_port, settings.client_id, settings.workers, settings.web_host) == (3, 2, 1, "file")


def test_the_file_in_the_data_directory_comes_before_the_one_here(tmp_path: Path) -> None:
    (tmp_path / "retailops.toml").write_text("client_id = 1\n")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "retailops.toml").write_text("client_id = 2\n")
    assert load(tmp_path, data_dir="there").client_id == 2


def test_a_named_file_comes_before_both(tmp_path: Path) -> None:
    (tmp_path / "retailops.toml").write_text("client_id = 1\n")
    (tmp_path / "other.toml").write_text("client_id = 3\n")
    assert load(tmp_path, {"RETAILOPS_CONFIG": "other.toml"}).client_id == 3


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"RETAILOPS_CONFIG names .*nowhere\.toml, which is no file"):
        load(tmp_path, {"RETAILOPS_CONFIG": "nowhere.toml"})


def test_database_url_and_lists_from_the_environment(tmp_path: Path) -> None:
    environ = {"DATABASE_URL": "postgresql://here", "RETAILOPS_ALLOWED_HOSTS": "a.example, b.example"}
    settings = load(tmp_path, environ)
    assert settings.database_url == "postgresql://here"
    assert settings.allowed_hosts == ("a.example", "b.example")


@pytest.mark.parametrize(
    "text, message",
    [
        ("web_prot = 1", r"web_prot in .*retailops\.toml is no setting; did you mean web_port\?"),
        ("zzz = 1", r"zzz in .* is no setting; known keys: allow_networks, "),
        ('web_port = "x"', r"web_port from .*retailops\.toml: Input should be a valid integer"),
        ("web_port = 65536", r"web_port from .*retailops\.toml is 65536"),
        ("workers = -1", r"workers from .* is -1; it must be at least 0"),
        ('log_format = "xml"', r"log_format from .*: Input should be 'json' or 'console'"),
        (
            'allow_networks = ["10.1.2.3/8"]',
            r"allow_networks from .*host bits set; write it like 10\.1\.0\.0/16",
        ),
        ('encryption_keys = ["c2hvcnQ="]', r"encryption_keys from .*: each must be base64 of 32 bytes"),
        ('encryption_keys = ["?"]', r"encryption_keys from .*: each must be base64 of 32 bytes"),
        ("= 1", r"retailops\.toml cannot be read as TOML"),
    ],
)
def test_mistakes_in_the_file_name_key_file_and_way_out(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "retailops.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load(tmp_path)


def test_a_misspelt_variable_is_found_and_a_foreign_one_is_not_ours(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"RETAILOPS_WEBPORT .* did you mean RETAILOPS_WEB_PORT\?"):
        load(tmp_path, {"RETAILOPS_WEBPORT": "1"})
    assert load(tmp_path, {"RETAILOPS_API_KEY": "of the client"}) == Settings(data_dir=tmp_path / "data")


def test_errors_do_not_repeat_a_secret(tmp_path: Path) -> None:
    (tmp_path / "retailops.toml").write_text('secret_key = ["hunter2hunter2"]')
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert "hunter2" not in str(caught.value)


def test_made_secrets_are_ours_alone_and_enough_to_start(tmp_path: Path) -> None:
    path = ensure_secrets(load(tmp_path))
    assert path == tmp_path / "data" / "secrets.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    settings = load(tmp_path)
    require_safe(settings)
    assert len(base64.b64decode(settings.encryption_keys[0])) == 32
    assert ensure_secrets(settings) is None


def test_given_secrets_come_before_made_ones(tmp_path: Path) -> None:
    ensure_secrets(load(tmp_path))
    assert load(tmp_path, {"RETAILOPS_SECRET_KEY": "given"}).secret_key == "given"


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"debug": True}, "debug = true shows secrets to visitors: .*--dev"),
        ({"secret_key": ""}, r"secret_key is empty: .*secrets\.toml.*RETAILOPS_SECRET_KEY"),
        ({"secret_key": "short"}, "secret_key is shorter than 32 characters"),
        ({"secret_key": "changeme" * 10}, "secret_key is a default"),
        ({"secret_key": "django-insecure-" + "x" * 50}, "secret_key is a default"),
        ({"encryption_keys": ()}, "encryption_keys is empty: .*RETAILOPS_ENCRYPTION_KEYS"),
    ],
)
def test_refuses_to_start_unsafely(changes: dict[str, object], message: str) -> None:
    require_safe(SAFE)
    with pytest.raises(ConfigError, match=message):
        require_safe(dataclasses.replace(SAFE, **changes))  # type: ignore[arg-type] # by the table above


def test_dev_allows_debug_and_loopback() -> None:
    dev = dataclasses.replace(SAFE, dev=True, debug=True, allow_networks=("10.0.0.0/8",))
    require_safe(dev)
    assert callable_networks(dev) == ("10.0.0.0/8", "127.0.0.0/8", "::1/128")
    assert callable_networks(SAFE) == ()
