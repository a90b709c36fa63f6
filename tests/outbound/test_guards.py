"""Both clients against peers that misbehave, over real sockets: the same faults, the same outcomes."""

from __future__ import annotations

import gzip
import threading
import time
import zlib
from typing import TYPE_CHECKING

import pytest

from retailops.outbound.addresses import AddressPolicy, parse_networks
from retailops.outbound.errors import OutboundError
from retailops.outbound.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.outbound.conftest import Peer, Post, Script, Wire

    StartPeer = Callable[[Script], Peer]

QUICK = Limits(total_seconds=0.6, connect_seconds=0.3)
SMALL = Limits(max_bytes=100_000)


def fails(post: Post, *urls: str, limits: Limits = SMALL) -> tuple[str, str, int | None]:
    """Outcome, effect and status of the error that the call raises."""
    with pytest.raises(OutboundError) as failure:
        post(*urls, limits=limits)
    return failure.value.outcome, failure.value.effect, failure.value.status


def test_a_plain_exchange_keeps_the_connection(peer: StartPeer, post: Post) -> None:
    requests: list[bytes] = []

    def script(wire: Wire) -> None:
        while request := wire.read_request():
            requests.append(request)
            wire.answer(b'{"ok":true}', "Set-Cookie: a=1")

    one = peer(script)
    assert post(one.url(), one.url()) == [(200, b'{"ok":true}')] * 2
    assert one.connections == 1
    for request in requests:
        head = request.lower()
        assert head.startswith(b"post /orders http/1.1\r\n")
        assert f"host: 127.0.0.1:{one.port}\r\n".encode() in head
        assert b"accept-encoding: gzip\r\n" in head
        assert b"cookie" not in head
        assert request.endswith(b'\r\n\r\n{"n":1}')


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
def test_redirects_are_not_followed(peer: StartPeer, post: Post, status: str) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.answer(b"", "Location: http://127.0.0.1:1/", status=status)

    assert fails(post, peer(script).url()) == ("redirect", "unknown", int(status[:3]))


def test_304_and_errors_are_replies(peer: StartPeer, post: Post) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.answer(b"busy", status="503 Unavailable")

    assert post(peer(script).url()) == [(503, b"busy")]


def test_an_announced_huge_body_is_not_read(peer: StartPeer, post: Post) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.send(b"HTTP/1.1 500 Oops\r\nContent-Length: 100001\r\n\r\n")
        wire.read_request()

    assert fails(post, peer(script).url()) == ("too_large", "unknown", 500)


def test_an_endless_body_is_cut(peer: StartPeer, post: Post) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            wire.send(b"2710\r\n" + b"x" * 10_000 + b"\r\n")

    assert fails(post, peer(script).url()) == ("too_large", "unknown", 200)


def test_a_body_of_exactly_the_limit_is_read(peer: StartPeer, post: Post) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.answer(b"x" * 100_000)

    assert post(peer(script).url(), limits=SMALL) == [(200, b"x" * 100_000)]


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compressed_replies(peer: StartPeer, post: Post, encoding: str) -> None:
    body = b"0123456789" * 10_000

    def script(wire: Wire) -> None:
        wire.read_request()
        packed = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
        wire.answer(packed, f"Content-Encoding: {encoding}")

    assert post(peer(script).url(), limits=SMALL) == [(200, body)]


def test_a_decompression_bomb_is_cut(peer: StartPeer, post: Post) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    assert len(bomb) < 100_000

    def script(wire: Wire) -> None:
        wire.read_request()
        wire.answer(bomb, "Content-Encoding: gzip")

    assert fails(post, peer(script).url()) == ("too_large", "unknown", 200)


@pytest.mark.parametrize(
    "encoding,body",
    [
        ("gzip", b'{"not":"gzip"}'),
        ("gzip", gzip.compress(b"cut short")[:-6]),
        ("gzip", gzip.compress(b"one") + gzip.compress(b"two")),
        ("br", b"anything"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"twice"))),
    ],
    # gzip holds the time: names made of the bytes would differ between parallel test processes
    ids=["not gzip", "cut short", "two members", "not asked for", "twice"],
)
def test_broken_and_unasked_encodings(peer: StartPeer, post: Post, encoding: str, body: bytes) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.answer(body, f"Content-Encoding: {encoding}")

    assert fails(post, peer(script).url()) == ("bad_encoding", "unknown", 200)


@pytest.mark.parametrize(
    "before", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"]
)
def test_a_slow_drip_hits_the_total_deadline(peer: StartPeer, post: Post, before: bytes) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.send(before)
        drip = b"x" if before.endswith(b"\r\n\r\n") else b"X-Drip: 1\r\n"
        for _ in range(30):
            time.sleep(0.2)
            wire.send(drip if before else b"HTTP/1.1 100 Continue\r\n\r\n")

    url = peer(script).url()
    started = time.monotonic()
    assert fails(post, url, limits=QUICK) == ("timeout", "unknown", None)
    assert 0.5 < time.monotonic() - started < 4


def test_a_peer_that_never_reads_hits_the_total_deadline(peer: StartPeer, post: Post) -> None:
    def script(_wire: Wire) -> None:
        time.sleep(3)

    assert fails(post, peer(script).url(), limits=QUICK) == ("timeout", "unknown", None)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"ok"',
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
    ],
)
@pytest.mark.parametrize("hard", [False, True])
def test_an_end_before_the_end(peer: StartPeer, post: Post, reply: bytes, *, hard: bool) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.send(reply)
        if hard:
            time.sleep(0.05)
            wire.reset()

    assert fails(post, peer(script).url()) == ("reset", "unknown", None)


def test_a_reset_before_the_request_is_read(peer: StartPeer, post: Post) -> None:
    outcome, _, status = fails(post, peer(lambda wire: wire.reset()).url())
    # How far the request got is a race that the peer alone can win.
    assert (outcome, status) in {("reset", None), ("connect", None)}


@pytest.mark.parametrize(
    "reply",
    [
        b"SMTP ready\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * 200_000 + b"\r\n\r\n",
    ],
)
def test_what_is_not_http(peer: StartPeer, post: Post, reply: bytes) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.send(reply)
        wire.read_request()

    assert fails(post, peer(script).url())[:2] == ("bad_reply", "unknown")


@pytest.mark.parametrize("pause", [0, 0.05])
def test_a_reply_nobody_asked_for_is_not_taken_for_the_next(
    peer: StartPeer, post: Post, pause: float
) -> None:
    sent = threading.Event()

    def script(wire: Wire) -> None:
        count = 0
        while wire.read_request():
            count += 1
            wire.answer(b"right")
            if count == 1:
                time.sleep(pause)
                wire.answer(b"wrong")
                sent.set()

    def slow(wire: Wire) -> None:
        wire.read_request()
        sent.wait(30)  # a reply that comes after the next request can't be told from the right one
        time.sleep(0.05)
        wire.answer(b"slow", "Connection: close")

    first, between = peer(script), peer(slow)
    replies = post(first.url(), between.url(), first.url())
    assert replies == [(200, b"right"), (200, b"slow"), (200, b"right")]
    assert first.connections == 2


def test_a_refused_connection_has_no_effect(peer: StartPeer, post: Post) -> None:
    closed = peer(lambda wire: wire.reset())
    closed.close()
    assert fails(post, closed.url()) == ("connect", "none", None)


def test_a_tls_handshake_with_a_plain_peer(peer: StartPeer, post: Post) -> None:
    def script(wire: Wire) -> None:
        wire.send(b"HTTP/1.1 400 Bad\r\n\r\n" * 10)
        time.sleep(0.5)

    assert fails(post, peer(script).url(scheme="https")) == ("tls", "none", None)


def test_a_tls_handshake_that_hangs_has_no_effect(peer: StartPeer, post: Post) -> None:
    url = peer(lambda _wire: time.sleep(2)).url(scheme="https")
    assert fails(post, url, limits=QUICK) == ("timeout", "none", None)


def test_environment_proxies_are_ignored(
    peer: StartPeer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.answer(b"direct")

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert post(peer(script).url()) == [(200, b"direct")]


def test_endless_headers_are_cut(peer: StartPeer, post: Post) -> None:
    def script(wire: Wire) -> None:
        wire.read_request()
        wire.send(b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 200_000 + b"\r\n")

    assert fails(post, peer(script).url())[0] in {"bad_reply", "reset"}


def test_a_header_with_a_line_break_is_not_sent(peer: StartPeer, post: Post) -> None:
    one = peer(lambda wire: wire.reset())
    with pytest.raises(OutboundError) as failure:
        post(one.url(), headers={"X-Key": "a\r\nX-Other: b"})
    assert (failure.value.outcome, failure.value.effect) == ("request_refused", "none")


def test_http_needs_a_reason(post: Post) -> None:
    with pytest.raises(OutboundError, match="plain http is not sent") as failure:
        post("http://shop.example/", policy=AddressPolicy(), lookup=lambda _host, _port: ["1.1.1.1"])
    assert failure.value.outcome == "request_refused"
    policy = AddressPolicy(allow_networks=parse_networks(["10.0.0.0/8"]))
    with pytest.raises(OutboundError, match="plain http is not sent"):
        post("http://1.1.1.1/", policy=policy)
