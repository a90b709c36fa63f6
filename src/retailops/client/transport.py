"""One call over HTTP: the address, the key, and when to try again."""

from __future__ import annotations

import ipaddress
import random
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self

import httpx

from retailops.client.errors import CallFailed, ConnectionFailed, PartialFailure
from retailops.client.result import Result
from retailops.contract.strict_json import JsonError, dump, parse

MAX_ANSWER: Final = 64 * 1024 * 1024
MAX_WAIT: Final = 30.0
RETRIED: Final = frozenset({429, 503})


class Transport:
    """Sends calls over connections that are kept. Threads may share one."""

    def __init__(
        self,
        api_key: str,
        base_url: str,
        *,
        timeout: float = 75.0,
        tries: int = 4,
        allow_plain_http: bool = False,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base_url = _checked(base_url, allow_plain_http=allow_plain_http)
        self._tries = tries
        self._sleep = sleep
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            headers={"apikey": api_key, "Content-Type": "application/json", "Accept": "application/json"},
        )

    def send(self, action: str, version: int, params: Mapping[str, object], *, idempotent: bool) -> Result:
        """Call an action and return its answer. Raises as `RetailOps`."""
        suffix = "" if version == 1 else f"~{version}"
        url = f"{self._base_url}/{action.replace('.', '/')}{suffix}.json"
        body = dump(dict(params))
        tries = self._tries if idempotent else 1
        for attempt in range(1, tries + 1):
            last = attempt == tries
            try:
                response = self._client.post(url, content=body)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if last:
                    raise ConnectionFailed(
                        f"{action}: can't connect to {self._base_url}: {error}; nothing was sent"
                    ) from error
                self._wait(attempt, None)
                continue
            except httpx.HTTPError as error:
                raise ConnectionFailed(
                    f"{action}: no answer ({type(error).__name__}); it may have been carried out"
                ) from error
            if response.status_code not in RETRIED or last:
                return _result(action, response)
            self._wait(attempt, response.headers.get("Retry-After"))
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def _wait(self, attempt: int, retry_after: str | None) -> None:
        wished = (
            float(retry_after) if retry_after and retry_after.isascii() and retry_after.isdigit() else 0.0
        )
        # With jitter, so that those who failed together don't come back together.
        backoff = 0.25 * 2**attempt * (0.5 + random.random())  # noqa: S311 - guards nothing
        self._sleep(min(MAX_WAIT, max(wished, backoff)))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _checked(base_url: str, *, allow_plain_http: bool) -> str:
    """Return the base URL without its last slash. Raises `ValueError` where the key would travel in the clear."""
    url = httpx.URL(base_url)
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query:
        raise ValueError(f"base_url {base_url!r} must be a plain address such as https://hub.example.com")
    if url.scheme == "http" and not allow_plain_http and not _is_loopback(url.host):
        message = f"base_url {base_url!r} would send the API key unencrypted; use https, or pass allow_plain_http=True"
        raise ValueError(message)
    return str(url).rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _result(action: str, response: httpx.Response) -> Result:
    try:
        body = parse(response.content, max_bytes=MAX_ANSWER)
    except JsonError as error:
        message = f"{action}: the answer ({response.status_code}) is not the API's: {error}; check base_url"
        raise ConnectionFailed(message) from error
    if not isinstance(body, dict):
        raise ConnectionFailed(
            f"{action}: the answer ({response.status_code}) is not the API's; check base_url"
        )
    result = Result(response.status_code, body)
    if body.get("success") == 1:
        return result
    raise (PartialFailure if body.get("partial") == 1 else CallFailed)(action, result)
