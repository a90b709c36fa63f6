"""What a channel's settings must be. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from retailops.contract.interactions import INTERACTIONS

SETTLE_ON = ("ship", "complete", "never")
SHORTEST_PULL_SECONDS = 5

_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")


class InvalidChannelError(ValueError):
    """A setting of a channel can't be used; the message says why and what would do."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field


def check_channel(
    *,
    code: str,
    name: str,
    base_url: str,
    auth_key: str,
    capabilities: Collection[str],
    settle_on: str,
    pull_every_seconds: int,
) -> None:
    """Raise `InvalidChannelError` for the first setting that can't be used."""
    if not _CODE.fullmatch(code):
        raise InvalidChannelError("code", f"{code!r} is not 1 to 50 of a-z, 0-9, - and _, such as my-shop")
    if not name.strip():
        raise InvalidChannelError("name", "is empty; give the name people know the channel by")
    _check_url(base_url)
    if not auth_key:
        raise InvalidChannelError("auth_key", "is empty; give the key that the channel was installed with")
    unknown = sorted(set(capabilities) - set(INTERACTIONS))
    if unknown:
        raise InvalidChannelError(
            "capabilities", f"{unknown[0]!r} is no interaction; known: {', '.join(INTERACTIONS)}"
        )
    if settle_on not in SETTLE_ON:
        raise InvalidChannelError("settle_on", f"{settle_on!r} is none of {', '.join(SETTLE_ON)}")
    if pull_every_seconds < SHORTEST_PULL_SECONDS:
        raise InvalidChannelError(
            "pull_every_seconds", f"is {pull_every_seconds}; at least {SHORTEST_PULL_SECONDS}"
        )


def _check_url(base_url: str) -> None:
    try:
        parts = urlsplit(base_url)
        host, has_user = parts.hostname, parts.username is not None
        _ = parts.port
    except ValueError as error:
        raise InvalidChannelError(
            "base_url", f"{error}; give one such as https://shop.example/api/channel"
        ) from None
    if parts.scheme not in {"http", "https"} or not host:
        raise InvalidChannelError(
            "base_url", "is no web address; give one such as https://shop.example/api/channel"
        )
    if has_user:
        raise InvalidChannelError(
            "base_url", "holds a user name; the auth key is what the channel knows us by"
        )
    if parts.fragment:
        raise InvalidChannelError("base_url", "holds a #fragment, which is never sent; leave it out")
