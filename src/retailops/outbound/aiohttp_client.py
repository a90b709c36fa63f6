"""Guarded outbound HTTP for many calls in flight from one event loop (needs the extra ``hub``)."""

import asyncio
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType, Connection
from yarl import URL

from retailops.outbound.addresses import AddressPolicy
from retailops.outbound.body import ACCEPT_ENCODING, BodyDecoder, refuse_redirect
from retailops.outbound.errors import (
    BadReply,
    ConnectFailed,
    ConnectionLost,
    RequestRefused,
    ResolveFailed,
    TimedOut,
    TlsFailed,
)
from retailops.outbound.limits import Limits
from retailops.outbound.requests import check_headers, check_url

REPLY_HEADERS = ("content-type", "date", "retry-after", "x-request-id")

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to addresses, as text; raises ``OSError`` when there are none."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete reply: ``headers`` are those of ``REPLY_HEADERS`` that it had, names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed_seconds: float


class GuardedSession:
    """Sends POSTs under an address policy and limits; keeps connections alive; any number in flight.

    An async context manager. No redirects, no cookies, no proxy from the environment. The caller bounds how
    many calls are in flight. ``lookup`` replaces the system's resolver, ``ssl_context`` the default trust.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        limits: Limits | None = None,
        *,
        lookup: Lookup | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._policy = policy
        self._limits = limits or Limits()
        self._lookup = lookup or self._system_lookup
        self._ssl_context = ssl_context or ssl.create_default_context()
        # Not asyncio's default executor: a name server that hangs must not hold up other work of the process.
        self._lookup_threads = ThreadPoolExecutor(max_workers=32, thread_name_prefix="retailops-dns")
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        # One session per scheme, since a connector does not learn the scheme when it resolves and connects.
        for scheme in ("http", "https"):
            self._sessions[scheme] = self._open_session(scheme)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()
        self._lookup_threads.shutdown(wait=False, cancel_futures=True)

    async def post_json(
        self, url: str, body: bytes, headers: Mapping[str, str] | None = None, *, limits: Limits | None = None
    ) -> Reply:
        """POST a JSON document and return the whole reply, whatever its status except a redirect.

        ``limits`` replaces the session's for this call. Raises ``OutboundError``.
        """
        limits = limits or self._limits
        started = time.perf_counter()
        with _translated_errors():
            target = URL(url)
            check_url(
                scheme=target.scheme,
                host=target.host or "",
                has_userinfo=target.raw_user is not None or target.raw_password is not None,
            )
            headers = headers or {}
            check_headers(headers.items())
            response = await self._send(target, body, headers, limits)
            try:
                content = await _read(response, limits)
            except BaseException:
                # Not released but closed: what is still under way must not reach the next call.
                response.close()
                raise
        kept = {name: response.headers[name] for name in REPLY_HEADERS if name in response.headers}
        return Reply(response.status, kept, content, time.perf_counter() - started)

    async def _send(
        self, target: URL, body: bytes, headers: Mapping[str, str], limits: Limits
    ) -> aiohttp.ClientResponse:
        connect_seconds = min(limits.connect_seconds, limits.total_seconds)
        timeout = aiohttp.ClientTimeout(
            total=limits.total_seconds, connect=connect_seconds, sock_connect=connect_seconds
        )
        while True:
            try:
                return await self._sessions[target.scheme].post(
                    target, data=body, headers=headers, allow_redirects=False, timeout=timeout
                )
            except _UncleanConnectionError:
                # Nothing was sent, and the connection has left the pool: take the next one.
                continue

    def _open_session(self, scheme: str) -> aiohttp.ClientSession:
        def open_socket(info: AddrInfoType) -> socket.socket:
            # The last gate, on the address to be connected; hosts that are addresses skip the resolver.
            family, kind, protocol, _, (address, port, *_) = info
            self._policy.check_answers(scheme, address, port, [address])
            return socket.socket(family, kind, protocol)

        connector = aiohttp.TCPConnector(
            limit=0,
            ssl=self._ssl_context,
            resolver=_GuardedResolver(scheme, self._policy, self._lookup),
            socket_factory=open_socket,
            keepalive_timeout=self._limits.keepalive_seconds,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            # We inflate replies ourselves, bounded.
            auto_decompress=False,
            trust_env=False,
            request_class=_CleanRequest,
            headers={
                "Accept-Encoding": ACCEPT_ENCODING,
                "Content-Type": "application/json",
                "User-Agent": "retailops",
            },
        )

    async def _system_lookup(self, host: str, port: int) -> Sequence[str]:
        answers = await asyncio.get_running_loop().run_in_executor(
            self._lookup_threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [str(answer[4][0]) for answer in answers]


class _GuardedResolver(AbstractResolver):
    """Resolves once and hands aiohttp checked addresses; Host, SNI and certificate name stay."""

    def __init__(self, scheme: str, policy: AddressPolicy, lookup: Lookup) -> None:
        self._scheme = scheme
        self._policy = policy
        self._lookup = lookup

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002  (the lookup decides)
    ) -> list[ResolveResult]:
        try:
            addresses = await self._lookup(host, port)
        except OSError as exc:
            msg = f"{host} could not be resolved: {exc}"
            raise ResolveFailed(msg) from exc
        if not addresses:
            msg = f"{host} has no address"
            raise ResolveFailed(msg)
        self._policy.check_answers(self._scheme, host, port, addresses)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing to close: the session owns the threads."""


class _UncleanConnectionError(Exception):
    """A pooled connection holds bytes that nobody asked for."""


class _CleanRequest(aiohttp.ClientRequest):
    """Refuses a pooled connection on which the peer went on talking after its last reply.

    aiohttp would take those bytes for the reply to this request.
    """

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        if conn.protocol is None or conn.protocol.should_close:
            raise _UncleanConnectionError
        return await super().send(conn)


async def _read(response: aiohttp.ClientResponse, limits: Limits) -> bytes:
    refuse_redirect(response.status)
    decoder = BodyDecoder(
        limits,
        status=response.status,
        encoding=response.headers.get("Content-Encoding", ""),
        content_length=response.headers.get("Content-Length", ""),
    )
    parts: list[bytes] = []
    while chunk := await response.content.readany():
        parts.extend(decoder.feed(chunk))
    decoder.finish()
    return b"".join(parts)


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turn aiohttp's errors into ours. Order matters: its classes inherit from one another and from OSError."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as exc:
        msg = "no connection within the time limit"
        raise TimedOut(msg) from exc
    except TimeoutError as exc:
        # Connecting has its own, shorter limit, so the request was under way.
        msg = "no complete reply within the time limit"
        raise TimedOut(msg, effect="unknown") from exc
    except (aiohttp.ClientConnectorSSLError, aiohttp.ClientConnectorCertificateError) as exc:
        msg = f"no TLS connection: {exc}"
        raise TlsFailed(msg) from exc
    except aiohttp.ClientConnectorError as exc:
        msg = f"no connection: {exc}"
        raise ConnectFailed(msg) from exc
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError) as exc:
        msg = f"the connection ended before the reply was complete: {exc}"
        raise ConnectionLost(msg, effect="unknown") from exc
    except aiohttp.ClientResponseError as exc:
        msg = f"the reply is not valid HTTP: {exc.message}"
        raise BadReply(msg, effect="unknown") from exc
    except ValueError as exc:
        # yarl's complaint about a URL, and aiohttp's InvalidURL.
        msg = f"URL cannot be sent: {exc}"
        raise RequestRefused(msg) from exc
