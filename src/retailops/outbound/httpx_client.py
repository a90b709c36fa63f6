"""Guarded outbound HTTP for ordinary, synchronous callers (base install).

The guard sits in httpcore's network backend: that is where a host becomes an address and where each wait
happens, so it can hold one deadline over all of them.
"""

import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from retailops.outbound.addresses import AddressPolicy
from retailops.outbound.body import ACCEPT_ENCODING, BodyDecoder, refuse_redirect
from retailops.outbound.errors import (
    BadReply,
    ConnectFailed,
    ConnectionLost,
    Effect,
    OutboundError,
    RequestRefused,
    ResolveFailed,
    TimedOut,
    TlsFailed,
)
from retailops.outbound.limits import Limits
from retailops.outbound.requests import check_headers, check_url

Lookup = Callable[[str, int], Sequence[str]]
"""Host and port to addresses, as text; raises ``OSError`` when there are none."""

# The reply is handed on decoded and re-framed, and we keep no cookies.
_DROPPED_HEADERS = frozenset({b"content-encoding", b"content-length", b"transfer-encoding", b"set-cookie"})


def guarded_client(
    policy: AddressPolicy,
    limits: Limits | None = None,
    *,
    lookup: Lookup | None = None,
    ssl_context: ssl.SSLContext | None = None,
) -> httpx.Client:
    """An ``httpx.Client`` that raises ``OutboundError`` instead of httpx's errors.

    No redirects (not even when asked for), no cookies, no proxy from the environment. Replies may be
    streamed; the limits hold until the last byte. One limit of it: looking up a name is one blocking call of
    the system's resolver, which ``total_seconds`` counts but cannot cut short.
    """
    return _GuardedClient(
        transport=GuardedTransport(policy, limits or Limits(), lookup or _system_lookup, ssl_context),
        trust_env=False,
        headers={"Accept-Encoding": ACCEPT_ENCODING, "User-Agent": "retailops"},
    )


class _GuardedClient(httpx.Client):
    """Refuses in our words also the URLs that httpx cannot read and never hands to its transport."""

    def build_request(self, method: str, url: httpx.URL | str, **options: Any) -> httpx.Request:
        try:
            return super().build_request(method, url, **options)
        except httpx.InvalidURL as exc:
            msg = f"URL cannot be sent: {exc}"
            raise RequestRefused(msg) from exc


@dataclass(slots=True)
class _Call:
    """The request under way in this thread; ``sent`` and ``ended`` are what its connection has seen."""

    scheme: str
    limits: Limits
    deadline: float
    sent: bool = False
    ended: bool = False

    def remaining(self) -> float:
        """Seconds left; raises ``TimedOut`` when there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise self.timed_out()
        return left

    def timed_out(self) -> TimedOut:
        return TimedOut("no complete reply within the time limit", effect=self.effect)

    @property
    def effect(self) -> Effect:
        return "unknown" if self.sent else "none"


# httpcore's backend is called without a word about the request it serves.
_current: ContextVar[_Call] = ContextVar("retailops_outbound_call")


class GuardedTransport(httpx.BaseTransport):
    """The guards as an httpx transport, for callers that build their own ``httpx.Client``."""

    def __init__(
        self, policy: AddressPolicy, limits: Limits, lookup: Lookup, ssl_context: ssl.SSLContext | None
    ) -> None:
        self._limits = limits
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or ssl.create_default_context(),
            keepalive_expiry=limits.keepalive_seconds,
            network_backend=_GuardedBackend(policy, lookup),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises ``OutboundError``."""
        url = request.url
        check_url(scheme=url.scheme, host=url.host, has_userinfo=bool(url.userinfo))
        check_headers(request.headers.items())
        call = _Call(url.scheme, self._limits, time.monotonic() + self._limits.total_seconds)
        outgoing = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=[pair for pair in request.headers.raw if pair[0].lower() != b"cookie"],
            content=request.stream,
            extensions={"timeout": {"pool": self._limits.connect_seconds}},
        )
        with _serving(call):
            response = self._pool.handle_request(outgoing)
        headers = httpx.Headers(response.headers)
        try:
            refuse_redirect(response.status)
            decoder = BodyDecoder(
                self._limits,
                status=response.status,
                encoding=headers.get("Content-Encoding", ""),
                content_length="" if request.method == "HEAD" else headers.get("Content-Length", ""),
            )
        except OutboundError:
            response.close()
            raise
        return httpx.Response(
            response.status,
            headers=[pair for pair in headers.raw if pair[0].lower() not in _DROPPED_HEADERS],
            stream=_GuardedBody(response, decoder, call),
        )

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


class _GuardedBody(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response, decoder: BodyDecoder, call: _Call) -> None:
        self._response = response
        self._decoder = decoder
        self._call = call

    def __iter__(self) -> Iterator[bytes]:
        chunks = self._response.iter_stream()
        while True:
            # Entered anew for each chunk: a generator must not leave its context behind in its caller's.
            with _serving(self._call):
                chunk = next(chunks, None)
            if chunk is None:
                break
            yield from self._decoder.feed(chunk)
        self._decoder.finish()

    def close(self) -> None:
        self._response.close()


class _GuardedBackend(httpcore.NetworkBackend):
    """Resolves once, checks all answers and connects to a checked one; Host, SNI and certificate name stay."""

    def __init__(self, policy: AddressPolicy, lookup: Lookup) -> None:
        self._policy = policy
        self._lookup = lookup
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  (ours is the call's deadline)
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        call = _current.get()
        try:
            addresses = self._lookup(host, port)
        except OSError as exc:
            msg = f"{host} could not be resolved: {exc}"
            raise ResolveFailed(msg) from exc
        self._policy.check_answers(call.scheme, host, port, addresses)
        until = time.monotonic() + min(call.limits.connect_seconds, call.remaining())
        failure: Exception = ResolveFailed(f"{host} has no address")
        for address in addresses:
            left = until - time.monotonic()
            if left <= 0:
                raise call.timed_out()
            try:
                stream = self._plain.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
            else:
                return _GuardedStream(stream)
        raise failure


class _GuardedStream(httpcore.NetworkStream):
    """A connection whose every wait is bounded by the deadline of the call it serves at that moment."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        call = _current.get()
        data = self._stream.read(max_bytes, call.remaining())
        call.ended = not data
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        call = _current.get()
        left = call.remaining()
        call.sent = call.sent or bool(buffer)
        self._stream.write(buffer, left)

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        call = _current.get()
        left = min(call.limits.connect_seconds, call.remaining())
        try:
            return _GuardedStream(self._stream.start_tls(ssl_context, server_hostname, left))
        except httpcore.ConnectError as exc:
            if isinstance(exc.__cause__, ssl.SSLError):
                msg = f"no TLS connection with {server_hostname}: {exc}"
                raise TlsFailed(msg) from exc
            raise

    def get_extra_info(self, info: str) -> object:
        extra: object = self._stream.get_extra_info(info)
        return extra


@contextmanager
def _serving(call: _Call) -> Iterator[None]:
    """Make ``call`` the one this thread's connections serve, and turn httpcore's errors into ours."""
    token = _current.set(call)
    try:
        yield
    except httpcore.TimeoutException as exc:
        raise call.timed_out() from exc
    except httpcore.ConnectError as exc:
        msg = f"no connection: {exc}"
        raise ConnectFailed(msg) from exc
    except (httpcore.LocalProtocolError, httpcore.UnsupportedProtocol, UnicodeError) as exc:
        msg = f"URL or header cannot be sent: {exc}"
        raise RequestRefused(msg) from exc
    except (httpcore.NetworkError, httpcore.ProtocolError) as exc:
        if isinstance(exc, httpcore.RemoteProtocolError) and not call.ended:
            msg = f"the reply is not valid HTTP: {exc}"
            raise BadReply(msg, effect=call.effect) from exc
        msg = f"the connection ended before the reply was complete: {exc}"
        raise ConnectionLost(msg, effect=call.effect) from exc
    finally:
        _current.reset(token)


def _system_lookup(host: str, port: int) -> Sequence[str]:
    return [str(answer[4][0]) for answer in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
