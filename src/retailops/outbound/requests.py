"""What no policy lets us send."""

from collections.abc import Iterable

from retailops.outbound.errors import RequestRefused


def check_url(*, scheme: str, host: str, has_userinfo: bool) -> None:
    """Raise ``RequestRefused`` for a URL that no policy allows; its parts are as the client parsed them."""
    if scheme not in {"http", "https"}:
        msg = f"URL scheme {scheme!r} is not http or https"
        raise RequestRefused(msg)
    if not host:
        msg = "URL has no host"
        raise RequestRefused(msg)
    if has_userinfo:
        msg = f"URL of {host} carries a user name or password; send credentials in a header"
        raise RequestRefused(msg)


def check_headers(headers: Iterable[tuple[str, str]]) -> None:
    """Raise ``RequestRefused`` for a header that would end early; the libraries notice only once connected."""
    for name, value in headers:
        if any(mark in name + value for mark in "\r\n\0"):
            msg = f"header {name!r} has a line break or a null character"
            raise RequestRefused(msg)
