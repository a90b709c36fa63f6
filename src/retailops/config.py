"""Settings: defaults < secrets.toml < one TOML file < environment < command line.

Every key may be given in the TOML file under its name, or as the variable `RETAILOPS_<KEY>`; the database also
as `DATABASE_URL`. Lists in variables are separated by commas.
"""

import base64
import binascii
import difflib
import os
import secrets
import tomllib
import types
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

CONFIG_FILE = "retailops.toml"
SECRETS_FILE = "secrets.toml"
PREFIX = "RETAILOPS_"
KEY_BYTES = 32
SECRET_CHARACTERS = 32
KNOWN_SECRETS = ("django-insecure", "changeme", "change-me", "secret", "insecure", "password", "example")


class ConfigError(Exception):
    """A setting is missing or wrong; the message names the key, where it was given, and the way out."""


@dataclass(frozen=True)
class Settings:
    """What one deployment of RetailOps is told. One deployment serves one retailer."""

    data_dir: Path = Path("data")
    """Database, secrets, logs and state of this machine."""
    database_url: str = ""
    """A PostgreSQL URL; empty starts the embedded PostgreSQL in the data directory."""
    secret_key: str = ""
    """Signs sessions and links; at least 32 characters."""
    encryption_keys: tuple[str, ...] = ()
    """Base64 of 32 bytes each, newest first; encrypt the credentials kept in the database."""
    client_id: int = 1
    """The retailer's number in the channel contract."""
    dev: bool = False
    """A developer's machine: an admin login is made, loopback channels may be called."""
    debug: bool = False
    """Django's error pages; refused outside `dev`."""
    allowed_hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    """Host names the console and the API answer to."""
    https: bool = False
    """Browsers reach the console by https (through a proxy that ends TLS): cookies are sent over https only."""
    web_host: str = "127.0.0.1"
    web_port: int = 8000
    """0 takes a free port and prints it."""
    web_threads: int = 4
    workers: int = 1
    """Worker processes started by `retailops up`."""
    worker_concurrency: int = 256
    """Lanes one worker process holds at once."""
    allow_networks: tuple[str, ...] = ()
    """Networks (CIDR) outside the public internet that channels may be called in; `dev` adds loopback."""
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


TYPES = get_type_hints(Settings)
DEFAULTS: Settings = Settings()
LOOPBACK = ("127.0.0.0/8", "::1/128")


@dataclass(frozen=True)
class _Given:
    """A raw value and where it was given, for error messages."""

    value: object
    source: str


def load_settings(
    overrides: Mapping[str, object] = types.MappingProxyType({}),
    *,
    environ: Mapping[str, str] = os.environ,
    cwd: Path | None = None,
) -> Settings:
    """Read all sources. `overrides` are command line options (None: not given). Raises ConfigError."""
    cwd = cwd or Path.cwd()
    given = {key: _Given(value, "the command line") for key, value in overrides.items() if value is not None}
    from_environment = _from_environment(environ)
    near = {**from_environment, **given}
    config_file = _find_file(environ, near, cwd)
    layers = {**(_from_file(config_file) if config_file else {}), **near}
    data_dir = _data_dir(layers, cwd)
    secrets_file = data_dir / SECRETS_FILE
    if secrets_file.exists():
        layers = {**_from_file(secrets_file), **layers}
    values = {key: _validated(key, one) for key, one in layers.items()}
    settings = Settings(**{**values, "data_dir": data_dir})  # type: ignore[arg-type] # each was validated by its type
    _check_values(settings, layers)
    return settings


def require_safe(settings: Settings) -> None:
    """Raise ConfigError for settings a public service must not start with; `dev` allows debug."""
    if settings.debug and not settings.dev:
        message = "debug = true shows secrets to visitors: remove it, or run with --dev on your own machine"
        raise ConfigError(message)
    way_out = (
        f"`retailops up` makes one in a fresh data directory, in {settings.data_dir / SECRETS_FILE}; elsewhere set"
        f" {PREFIX}{{}} to the value the other machines of this deployment use"
    )
    known = settings.secret_key.lower().startswith(KNOWN_SECRETS)
    if known or len(settings.secret_key) < SECRET_CHARACTERS:
        problem = (
            "a default"
            if known
            else f"shorter than {SECRET_CHARACTERS} characters"
            if settings.secret_key
            else "empty"
        )
        message = f"secret_key is {problem}: {way_out.format('SECRET_KEY')}"
        raise ConfigError(message)
    if not settings.encryption_keys:
        message = f"encryption_keys is empty: {way_out.format('ENCRYPTION_KEYS')}"
        raise ConfigError(message)


def ensure_secrets(settings: Settings) -> Path | None:
    """Write fresh secrets to the data directory where none are given; returns the new file, readable by us alone."""
    path = settings.data_dir / SECRETS_FILE
    if settings.secret_key or settings.encryption_keys or path.exists():
        return None
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    text = f'secret_key = "{secrets.token_urlsafe(48)}"\nencryption_keys = ["{key}"]\n'
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    return path


def callable_networks(settings: Settings) -> tuple[str, ...]:
    """Networks (CIDR) outside the public internet that channels may be called in."""
    return settings.allow_networks + (LOOPBACK if settings.dev else ())


def _find_file(environ: Mapping[str, str], near: Mapping[str, _Given], cwd: Path) -> Path | None:
    named = environ.get(f"{PREFIX}CONFIG")
    if named:
        path = cwd / named
        if not path.is_file():
            message = f"{PREFIX}CONFIG names {path}, which is no file: correct it or unset it"
            raise ConfigError(message)
        return path
    places = (_data_dir(near, cwd), cwd)
    return next((place / CONFIG_FILE for place in places if (place / CONFIG_FILE).is_file()), None)


def _data_dir(layers: Mapping[str, _Given], cwd: Path) -> Path:
    one = layers.get("data_dir", _Given(DEFAULTS.data_dir, "the defaults"))
    return cwd / Path(str(one.value)).expanduser()


def _from_file(path: Path) -> dict[str, _Given]:
    try:
        content = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"{path} cannot be read as TOML: {error}"
        raise ConfigError(message) from error
    for key in content:
        _require_known(key, path)
    return {key: _Given(value, str(path)) for key, value in content.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, _Given]:
    given: dict[str, _Given] = {}
    if environ.get("DATABASE_URL"):
        given["database_url"] = _Given(environ["DATABASE_URL"], "DATABASE_URL")
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name == f"{PREFIX}CONFIG":
            continue
        key = name.removeprefix(PREFIX).lower()
        if key not in TYPES:
            _refuse_misspelt(key, name)
            continue
        given[key] = _Given(_split(value) if get_origin(TYPES[key]) is tuple else value, name)
    return given


def _split(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _require_known(key: str, path: Path) -> None:
    if key not in TYPES:
        close = difflib.get_close_matches(key, TYPES, n=1)
        way_out = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(sorted(TYPES))}"
        message = f"{key} in {path} is no setting; {way_out}"
        raise ConfigError(message)


def _refuse_misspelt(key: str, name: str) -> None:
    # Other programs of ours have variables, too (an API key for the client): only a near miss is a mistake.
    close = difflib.get_close_matches(key, TYPES, n=1, cutoff=0.85)
    if close:
        message = f"{name} in the environment is no setting; did you mean {PREFIX}{close[0].upper()}?"
        raise ConfigError(message)


def _validated(key: str, one: _Given) -> object:
    try:
        value: object = TypeAdapter(TYPES[key]).validate_python(one.value)
    except ValidationError as error:
        # Neither the value nor pydantic's own text, which quotes it: it may be a secret.
        problem = error.errors(include_url=False, include_input=False)[0]["msg"]
        message = f"{key} from {one.source}: {problem}"
        raise ConfigError(message) from None
    return value


def _check_values(settings: Settings, layers: Mapping[str, _Given]) -> None:
    for key in settings.encryption_keys:
        try:
            size = len(base64.b64decode(key, validate=True))
        except binascii.Error:
            size = 0
        if size != KEY_BYTES:
            message = f"encryption_keys from {layers['encryption_keys'].source}: each must be base64 of {KEY_BYTES} bytes"
            raise ConfigError(message)
    for network in settings.allow_networks:
        try:
            ip_network(network)
        except ValueError as error:
            message = (
                f"allow_networks from {layers['allow_networks'].source}: {error}; write it like 10.1.0.0/16"
            )
            raise ConfigError(message) from error
    for key, low in {
        "web_port": 0,
        "web_threads": 1,
        "workers": 0,
        "worker_concurrency": 1,
        "client_id": 1,
    }.items():
        value = getattr(settings, key)
        if value < low or (key == "web_port" and value > 65535):  # noqa: PLR2004 - the largest port
            message = f"{key} from {layers[key].source} is {value}; it must be at least {low}"
            raise ConfigError(message)
