"""Which addresses are called, refused, and opened by the setting."""

from ipaddress import ip_network

import pytest

from retailops.outbound.addresses import AddressPolicy, canonical, parse_networks
from retailops.outbound.errors import AddressRefused, RequestRefused
from retailops.outbound.requests import check_url

REFUSED = [
    "0.0.0.0",  # noqa: S104 - refused, not listened on
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:a00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]

ALLOWED = [
    "1.1.1.1",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "198.20.0.0",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
]


@pytest.mark.parametrize("address", REFUSED)
def test_special_addresses_are_refused(address: str) -> None:
    with pytest.raises(AddressRefused):
        AddressPolicy().check(address)


@pytest.mark.parametrize("address", ALLOWED)
def test_public_addresses_are_allowed(address: str) -> None:
    AddressPolicy().check(address)


def test_the_message_names_host_address_and_setting() -> None:
    with pytest.raises(AddressRefused) as refused:
        AddressPolicy().check("::ffff:10.1.2.3", host="shop.example")
    assert str(refused.value) == (
        "shop.example is at 10.1.2.3, a private address, and is not called."
        " If it is yours, add its network to RETAILOPS_ALLOW_NETWORKS,"
        " for example RETAILOPS_ALLOW_NETWORKS=10.1.2.3"
    )
    assert (refused.value.outcome, refused.value.effect) == ("address_refused", "none")


@pytest.mark.parametrize(
    "network,opened,still_refused",
    [
        ("127.0.0.1", ["127.0.0.1", "::ffff:127.0.0.1"], ["127.0.0.2", "::1", "64:ff9b::7f00:1"]),
        ("10.1.0.0/16", ["10.1.255.255"], ["10.0.255.255", "10.2.0.0", "2002:a01:1::"]),
        ("::1", ["::1"], ["127.0.0.1", "::2"]),
        ("64:ff9b::/96", ["64:ff9b::808:808"], ["64:ff9b::a00:1", "64:ff9b:1::808:808"]),
        ("2002::/16", ["2002:808:808::1"], ["2002:a00:1::1"]),
        ("2001::/32", [], ["2001:0:808:808::f5ff:fffe"]),
    ],
)
def test_allow_networks_opens_exactly_what_it_says(
    network: str, opened: list[str], still_refused: list[str]
) -> None:
    policy = AddressPolicy(allow_networks=parse_networks([network]))
    for address in opened:
        policy.check(address)
    for address in still_refused:
        with pytest.raises(AddressRefused):
            policy.check(address)


def test_one_bad_answer_refuses_the_host() -> None:
    with pytest.raises(AddressRefused, match=r"^shop\.example is at 10\.0\.0\.1, a private address"):
        AddressPolicy().check_answers("https", "shop.example", 443, ["1.1.1.1", "10.0.0.1"])


@pytest.mark.parametrize(
    "policy,scheme,port,refusal",
    [
        (AddressPolicy(), "https", 443, None),
        (AddressPolicy(), "https", 8443, None),
        (AddressPolicy(), "https", 22, "port 22 is not one of 80, 443, 8443"),
        (AddressPolicy(ports=frozenset({22})), "https", 22, None),
        (AddressPolicy(), "http", 80, "plain http is not sent"),
        (AddressPolicy(allow_http=True), "http", 80, None),
        (AddressPolicy(allow_networks=(ip_network("1.1.1.0/24"),)), "http", 9999, None),
    ],
)
def test_scheme_and_port(policy: AddressPolicy, scheme: str, port: int, refusal: str | None) -> None:
    if refusal is None:
        policy.check_answers(scheme, "shop.example", port, ["1.1.1.1"])
    else:
        with pytest.raises(RequestRefused, match=f"^shop.example: {refusal}"):
            policy.check_answers(scheme, "shop.example", port, ["1.1.1.1"])


def test_every_answer_must_be_in_allow_networks_for_http() -> None:
    policy = AddressPolicy(allow_networks=parse_networks(["10.0.0.0/8"]))
    with pytest.raises(RequestRefused, match="plain http is not sent"):
        policy.check_answers("http", "shop.example", 80, ["10.0.0.1", "1.1.1.1"])


def test_canonical_drops_the_scope() -> None:
    assert str(canonical("fe80::1%eth0")) == "fe80::1"


def test_parse_networks() -> None:
    assert parse_networks(("10.1.0.0/16", "::1", "127.0.0.1")) == (
        ip_network("10.1.0.0/16"),
        ip_network("::1/128"),
        ip_network("127.0.0.1/32"),
    )
    assert parse_networks(()) == ()


@pytest.mark.parametrize("entry", ["10.1.2.3/16", "shop.example", "10.0.0.0/33"])
def test_parse_networks_names_setting_and_entry(entry: str) -> None:
    with pytest.raises(ValueError, match=f"^RETAILOPS_ALLOW_NETWORKS: '{entry}' is not a network"):
        parse_networks(["127.0.0.1", entry])


@pytest.mark.parametrize(
    "scheme,host,has_userinfo,problem",
    [
        ("ftp", "shop.example", False, "URL scheme 'ftp' is not http or https"),
        ("https", "", False, "URL has no host"),
        ("https", "shop.example", True, "carries a user name or password"),
    ],
)
def test_urls_nobody_may_call(*, scheme: str, host: str, has_userinfo: bool, problem: str) -> None:
    with pytest.raises(RequestRefused, match=problem):
        check_url(scheme=scheme, host=host, has_userinfo=has_userinfo)
