"""Which addresses we connect to.

The table is our own: the standard library's ``is_global`` calls NAT64, 6to4 and site-local addresses global,
and its IPv4 tables were wrong before Python 3.11.10. Only *resolved* addresses are judged, never the text of
a host: ``0x7f.1``, ``2130706433`` and circled digits are all 127.0.0.1 to the resolver.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from retailops.outbound.errors import AddressRefused, RequestRefused

SETTING = "RETAILOPS_ALLOW_NETWORKS"

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_DENIED: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(text), reason)
    for text, reason in (
        ("0.0.0.0/8", "unspecified"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        # Azure's in-host service: a public address that only ever means the machine we run on.
        ("168.63.129.16/32", "cloud metadata"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "AMT"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "NAT64"),
        ("100::/64", "discard"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "protocol assignments"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "AS112"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "SRv6"),
        ("fc00::/7", "unique local"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
        # Everything IPv6 that is not global unicast (2000::/3), whatever it will be called one day.
        ("::/3", "reserved"),
        ("4000::/2", "reserved"),
        ("8000::/1", "reserved"),
    )
)

_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_LOW_32 = 0xFFFFFFFF


def parse_networks(entries: Iterable[str]) -> tuple[Network, ...]:
    """The setting's networks, such as ``["10.1.0.0/16", "127.0.0.1"]``; a bare address is one host.

    Raises ``ValueError`` naming the setting and the entry.
    """
    networks = []
    for entry in entries:
        try:
            networks.append(ip_network(entry))
        except ValueError as exc:
            msg = f"{SETTING}: {entry!r} is not a network such as 10.1.0.0/16 or an address ({exc})"
            raise ValueError(msg) from exc
    return tuple(networks)


def canonical(address: str | Address) -> Address:
    """The address the kernel would use: scope dropped, IPv4-mapped IPv6 as IPv4. Raises ``ValueError``."""
    parsed = ip_address(address.partition("%")[0] if isinstance(address, str) else address)
    if isinstance(parsed, IPv6Address):
        return parsed.ipv4_mapped or IPv6Address(int(parsed))
    return parsed


def _embedded(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that a translator or tunnel would forward this IPv6 address to."""
    if isinstance(address, IPv4Address):
        return
    if address in _NAT64 or address in _NAT64_LOCAL:
        yield IPv4Address(int(address) & _LOW_32)
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What we connect to: public addresses over https on the usual ports, and what ``allow_networks`` opens.

    Within ``allow_networks`` any port and plain http are fine; outside, ``ports`` and ``allow_http`` decide.
    """

    allow_networks: tuple[Network, ...] = ()
    allow_http: bool = False
    ports: frozenset[int] = frozenset({80, 443, 8443})

    def check(self, address: str | Address, *, host: str = "") -> None:
        """Return for an address we connect to, raise ``AddressRefused`` for any other.

        An IPv6 address that carries an IPv4 address is fine only when both are: allowing NAT64 opens no
        private IPv4 address. ``host`` is named in the message.
        """
        target = canonical(address)
        for view in (target, *_embedded(target)):
            reason = next((why for network, why in _DENIED if view in network), None)
            if reason is not None and not self.allows(view):
                msg = (
                    f"{host or address} is at {target}, a {reason} address, and is not called."
                    f" If it is yours, add its network to {SETTING}, for example {SETTING}={view}"
                )
                raise AddressRefused(msg)

    def allows(self, address: Address) -> bool:
        """Whether ``allow_networks`` names this address."""
        return any(address in network for network in self.allow_networks)

    def check_answers(self, scheme: str, host: str, port: int, addresses: Iterable[str]) -> None:
        """Check *all* addresses a host resolved to, then scheme and port; one bad answer refuses the host.

        Raises ``AddressRefused`` or ``RequestRefused``.
        """
        checked = [canonical(address) for address in addresses]
        for address in checked:
            self.check(address, host=host)
        if all(self.allows(address) for address in checked):
            return
        if scheme == "http" and not self.allow_http:
            msg = f"{host}: plain http is not sent. Use https, or add its network to {SETTING}"
            raise RequestRefused(msg)
        if port not in self.ports:
            allowed = ", ".join(str(number) for number in sorted(self.ports))
            msg = f"{host}: port {port} is not one of {allowed}. Use those, or add its network to {SETTING}"
            raise RequestRefused(msg)
