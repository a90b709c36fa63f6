"""A scripted peer on loopback, and both guarded clients behind one call."""

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Protocol

import pytest

from retailops.outbound.addresses import AddressPolicy, parse_networks
from retailops.outbound.aiohttp_client import GuardedSession
from retailops.outbound.httpx_client import guarded_client
from retailops.outbound.limits import Limits

DEFAULTS = Limits()
LOOPBACK = AddressPolicy(allow_networks=parse_networks(["127.0.0.1"]))


class Wire:
    """The peer's end of one connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def read_request(self) -> bytes:
        """One request with a Content-Length, or b"" when the client has gone."""
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = self._connection.recv(65536)
            if not chunk:
                return b""
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        while len(body) < int(lengths[0].split(b":")[1]):
            body += self._connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def answer(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
        self.send("\r\n".join(lines).encode() + body)

    def start_tls(self, context: ssl.SSLContext) -> None:
        self._connection = context.wrap_socket(self._connection, server_side=True)

    def reset(self) -> None:
        """Close with RST rather than FIN."""
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.close()


Script = Callable[[Wire], None]


class Peer:
    """Runs ``script`` on every connection, each in a thread of its own."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):  # the client hangs up in the middle of most scripts
            connection.settimeout(20)
            self._script(Wire(connection))

    def url(self, host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}/orders"

    def close(self) -> None:
        # close() alone does not wake the thread in accept().
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def peer() -> Iterator[Callable[[Script], Peer]]:
    peers: list[Peer] = []

    def start(script: Script) -> Peer:
        peers.append(Peer(script))
        return peers[-1]

    yield start
    for one in peers:
        one.close()


class Post(Protocol):
    def __call__(
        self,
        *urls: str,
        limits: Limits = ...,
        policy: AddressPolicy = ...,
        lookup: Callable[[str, int], Sequence[str]] | None = ...,
        ssl_context: ssl.SSLContext | None = ...,
        headers: dict[str, str] | None = ...,
    ) -> list[tuple[int, bytes]]: ...


def post_with_aiohttp(
    *urls: str,
    limits: Limits = DEFAULTS,
    policy: AddressPolicy = LOOPBACK,
    lookup: Callable[[str, int], Sequence[str]] | None = None,
    ssl_context: ssl.SSLContext | None = None,
    headers: dict[str, str] | None = None,
) -> list[tuple[int, bytes]]:
    async def run() -> list[tuple[int, bytes]]:
        async def async_lookup(host: str, port: int) -> Sequence[str]:
            assert lookup is not None
            return lookup(host, port)

        replies = []
        async with GuardedSession(
            policy, limits, lookup=async_lookup if lookup else None, ssl_context=ssl_context
        ) as session:
            for url in urls:
                reply = await session.post_json(url, b'{"n":1}', headers)
                replies.append((reply.status, reply.body))
        return replies

    return asyncio.run(run())


def post_with_httpx(
    *urls: str,
    limits: Limits = DEFAULTS,
    policy: AddressPolicy = LOOPBACK,
    lookup: Callable[[str, int], Sequence[str]] | None = None,
    ssl_context: ssl.SSLContext | None = None,
    headers: dict[str, str] | None = None,
) -> list[tuple[int, bytes]]:
    replies = []
    with guarded_client(policy, limits, lookup=lookup, ssl_context=ssl_context) as client:
        for url in urls:
            reply = client.post(url, content=b'{"n":1}', headers=headers)
            replies.append((reply.status_code, reply.content))
    return replies


@pytest.fixture(params=["aiohttp", "httpx"])
def post(request: pytest.FixtureRequest) -> Post:
    """POST ``{"n":1}`` to each URL in turn over one session; (status, body) of each."""
    return post_with_aiohttp if request.param == "aiohttp" else post_with_httpx
