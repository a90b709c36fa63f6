"""What only one of the two clients has."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from retailops.outbound.addresses import AddressPolicy, parse_networks
from retailops.outbound.aiohttp_client import GuardedSession, Reply
from retailops.outbound.errors import RedirectRefused, TimedOut, TooLarge
from retailops.outbound.httpx_client import guarded_client
from retailops.outbound.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.outbound.conftest import Peer, Script, Wire

    StartPeer = Callable[[Script], Peer]

LOOPBACK = AddressPolicy(allow_networks=parse_networks(["127.0.0.1"]))


def test_a_reply_has_the_headers_that_matter(peer: StartPeer) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.answer(b"{}", "Retry-After: 7", "Content-Type: application/json", "X-Secret: no")

    async def run(url: str) -> Reply:
        async with GuardedSession(LOOPBACK) as session:
            return await session.post_json(url, b"{}", {"X-Attempt": "1"})

    reply = asyncio.run(run(peer(script).url()))
    assert (reply.status, reply.body) == (200, b"{}")
    assert reply.headers == {"retry-after": "7", "content-type": "application/json"}
    assert 0 < reply.elapsed_seconds < 5


def test_a_hanging_peer_does_not_delay_others(peer: StartPeer) -> None:
    def quick(wire: Wire) -> None:
        while wire.read_request():
            wire.answer(b"quick")

    async def run(hanging: str, healthy: str) -> tuple[list[object], float]:
        async with GuardedSession(LOOPBACK, Limits(total_seconds=2.0)) as session:
            stuck = [asyncio.create_task(session.post_json(hanging, b"{}")) for _ in range(50)]
            await asyncio.sleep(0)
            started = time.monotonic()
            await asyncio.gather(*(session.post_json(healthy, b"{}") for _ in range(50)))
            took = time.monotonic() - started
            return await asyncio.gather(*stuck, return_exceptions=True), took

    failures, took = asyncio.run(run(peer(lambda _wire: time.sleep(4)).url(), peer(quick).url()))
    assert [type(failure) for failure in failures] == [TimedOut] * 50
    assert took < 2.0


def test_limits_of_one_call(peer: StartPeer) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.answer(b"12345")

    async def run(url: str) -> None:
        async with GuardedSession(LOOPBACK) as session:
            await session.post_json(url, b"{}", limits=Limits(max_bytes=4))

    with pytest.raises(TooLarge):
        asyncio.run(run(peer(script).url()))


def test_httpx_streams_within_the_limits(peer: StartPeer) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            wire.send(b"3e8\r\n" + b"x" * 1000 + b"\r\n")

    received: list[int] = []
    with (
        guarded_client(LOOPBACK, Limits(max_bytes=10_000)) as client,
        client.stream("POST", peer(script).url(), content=b"{}") as reply,
    ):
        chunks = reply.iter_bytes()
        with pytest.raises(TooLarge):
            received.extend(iter(lambda: len(next(chunks)), 0))
    assert 0 < sum(received) <= 10_000


def test_httpx_cannot_be_told_to_follow(peer: StartPeer) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.answer(b"", "Location: /elsewhere", status="302 Found")

    one = peer(script)
    with guarded_client(LOOPBACK) as client, pytest.raises(RedirectRefused):
        client.post(one.url(), content=b"{}", follow_redirects=True)
    assert one.connections == 1


@pytest.mark.parametrize("name", ["total_seconds", "connect_seconds", "max_bytes", "keepalive_seconds"])
def test_limits_are_positive(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be greater than 0, not 0$"):
        Limits(**{name: 0})
