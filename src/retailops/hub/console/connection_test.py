"""Call a channel once, now, and say in plain words what came of it. Changes nothing on either side."""

from __future__ import annotations

import time

import httpx
from django.conf import settings

from retailops.contract.base import ChannelInfo, to_wire
from retailops.contract.interactions import INTERACTIONS, build_url
from retailops.contract.replies import parse_reply
from retailops.contract.strict_json import JsonError
from retailops.contract.violations import ContractViolation
from retailops.hub.channels.models import Channel
from retailops.outbound.addresses import AddressPolicy, parse_networks
from retailops.outbound.errors import OutboundError
from retailops.outbound.httpx_client import guarded_client
from retailops.outbound.limits import Limits

PROBE = "catalog_get_config"
WAYS_OUT = {
    401: "the channel refuses the auth key; compare it with the one the channel was installed with",
    403: "the channel refuses the auth key; compare it with the one the channel was installed with",
}


def test_connection(channel: Channel) -> str:
    """Ask for the catalog's configuration, which every channel may be asked for. Raises `ValueError` with the way out."""
    started = time.monotonic()
    policy = AddressPolicy(allow_networks=parse_networks(settings.RETAILOPS_ALLOW_NETWORKS))
    try:
        with guarded_client(policy, Limits(total_seconds=10)) as client:
            headers = {"Content-Type": "application/json"}
            reply = client.post(
                build_url(channel.base_url, PROBE), content=_request(channel), headers=headers
            )
    except OutboundError as error:
        raise ValueError(f"not reached: {error}") from error
    return _judge(reply, round(1000 * (time.monotonic() - started)))


def _request(channel: Channel) -> bytes:
    probe = INTERACTIONS[PROBE]
    return to_wire(
        probe.request(
            integration_auth_token=channel.auth_key,
            action=PROBE,
            version=probe.version,
            client_id=settings.RETAILOPS_CLIENT_ID,
            channel_info=ChannelInfo(id=channel.pk),
        )
    )


def _judge(reply: httpx.Response, milliseconds: int) -> str:
    if reply.status_code == httpx.codes.NOT_FOUND:
        return f"reached in {milliseconds} ms; it doesn't implement {PROBE} (HTTP 404), so the auth key is not proven"
    if reply.status_code != httpx.codes.OK:
        hint = WAYS_OUT.get(reply.status_code, "look into the channel's own log")
        raise ValueError(f"HTTP {reply.status_code} after {milliseconds} ms: {hint}")
    try:
        parse_reply(PROBE, reply.content)
    except (JsonError, ContractViolation) as error:
        raise ValueError(f"it answers, but not per contract: {error}") from error
    return f"reached in {milliseconds} ms and understood"
