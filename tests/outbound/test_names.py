"""From the host of a URL to the address connected to."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from retailops.outbound.addresses import AddressPolicy, parse_networks
from retailops.outbound.errors import AddressRefused, OutboundError, RequestRefused, ResolveFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.outbound.conftest import Peer, Post, Script, Wire

    StartPeer = Callable[[Script], Peer]


def answer_ok(wire: Wire) -> None:
    wire.read_request()
    wire.answer(b"ok", "Connection: close")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "127.1",
        "①②⑦.0.0.1",
        "localhost",
        "0.0.0.0",  # noqa: S104 - refused, not listened on
        "0",
        "169.254.169.254",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1%lo]",
    ],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_of_an_inner_address_is_called(
    peer: StartPeer, post: Post, scheme: str, host: str
) -> None:
    one = peer(answer_ok)
    with pytest.raises((AddressRefused, RequestRefused)) as refused:
        post(one.url(host, scheme), policy=AddressPolicy(allow_http=True, ports=frozenset({one.port})))
    assert refused.value.effect == "none"
    assert one.connections == 0


@pytest.mark.parametrize("host", ["0x7f.1", "localhost"])
def test_spellings_are_judged_by_their_address(peer: StartPeer, post: Post, host: str) -> None:
    one = peer(answer_ok)
    policy = AddressPolicy(allow_networks=parse_networks(["127.0.0.2"]))
    with pytest.raises(AddressRefused, match=r"is at 127\.0\.0\.1, a loopback address|is at ::1, a loopback"):
        post(one.url(host), policy=policy)


def test_a_name_with_a_private_address_is_refused(peer: StartPeer, post: Post) -> None:
    one = peer(answer_ok)
    with pytest.raises(AddressRefused, match=r"^shop\.example is at 10\.0\.0\.5, a private address"):
        post(one.url("shop.example"), lookup=lambda _host, _port: ["127.0.0.1", "10.0.0.5"])
    assert one.connections == 0


def test_rebinding_connects_only_to_the_checked_address(
    peer: StartPeer, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [["127.0.0.1"], ["10.0.0.5"]]
    asked: list[str] = []
    system = socket.getaddrinfo

    def lookup(host: str, _port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) - 1]

    def only_addresses(host: str, *args: int, **kwargs: int) -> object:
        assert host == "127.0.0.1", "a name was resolved behind the guard"
        return system(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", only_addresses)
    one = peer(answer_ok)
    assert post(one.url("shop.example"), lookup=lookup) == [(200, b"ok")]
    assert asked == ["shop.example"]
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.5"):
        post(one.url("shop.example"), lookup=lookup)
    assert asked == ["shop.example"] * 2
    assert one.connections == 1


def test_the_next_address_is_tried(peer: StartPeer, post: Post) -> None:
    policy = AddressPolicy(allow_networks=parse_networks(["127.0.0.0/8"]))
    replies = post(
        peer(answer_ok).url("shop.example"),
        policy=policy,
        lookup=lambda _host, _port: ["127.0.0.9", "127.0.0.1"],
    )
    assert replies == [(200, b"ok")]


def test_a_name_that_does_not_resolve(post: Post) -> None:
    def lookup(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(ResolveFailed, match=r"^shop\.example could not be resolved: ") as failure:
        post("https://shop.example/", lookup=lookup)
    assert (failure.value.outcome, failure.value.effect) == ("dns", "none")
    with pytest.raises(ResolveFailed, match=r"^shop\.example has no address$"):
        post("https://shop.example/", lookup=lambda _host, _port: [])


@pytest.mark.parametrize(
    "url",
    ["https://user:secret@shop.example/", "https://user@shop.example/", "ftp://shop.example/", "https:///x"],
)
def test_urls_nobody_may_call(post: Post, url: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        post(url)
    assert "secret" not in str(refused.value)


def test_odd_ports_are_refused_outside_allow_networks(post: Post) -> None:
    with pytest.raises(RequestRefused, match="port 22 is not one of 80, 443, 8443"):
        post("https://shop.example:22/", policy=AddressPolicy(), lookup=lambda _host, _port: ["1.1.1.1"])
    with pytest.raises(RequestRefused, match="port 22 is not one of 80, 443, 8443"):
        post("https://1.1.1.1:22/", policy=AddressPolicy())


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and self-signed certificate of shop.example, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "shop.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


def test_tls_keeps_host_and_server_name(peer: StartPeer, post: Post, certificate: Path) -> None:
    names: list[str | None] = []
    requests: list[bytes] = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    server.sni_callback = lambda _socket, name, _context: names.append(name)

    def script(wire: Wire) -> None:
        wire.start_tls(server)
        requests.append(wire.read_request())
        wire.answer(b"sealed", "Connection: close")

    def lookup(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    one = peer(script)
    trusting = ssl.create_default_context(cafile=str(certificate))
    url = one.url("shop.example", "https")
    assert post(url, lookup=lookup, ssl_context=trusting) == [(200, b"sealed")]
    assert names == ["shop.example"]
    assert f"host: shop.example:{one.port}\r\n".encode() in requests[0].lower()

    for host, context in (("shop.example", None), ("other.example", trusting)):
        with pytest.raises(OutboundError) as failure:
            post(one.url(host, "https"), lookup=lookup, ssl_context=context)
        assert (failure.value.outcome, failure.value.effect) == ("tls", "none")


def test_httpx_client_needs_no_aiohttp() -> None:
    program = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "from retailops.outbound.httpx_client import guarded_client\n"
        "print(guarded_client.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "guarded_client\n"
