# ruff: noqa: N818 - named for what happened, as "TimedOut"; that they are errors is plain where they are raised
"""What can go wrong with an outbound call, as exceptions with a stable outcome word."""

from typing import ClassVar, Literal

Effect = Literal["none", "unknown"]
"""``none``: the request was not sent. ``unknown``: it was, at least in part; the peer may have acted."""


class OutboundError(Exception):
    """A call that brought no usable reply.

    ``outcome`` is a stable word for logs, metrics and retry rules; ``effect`` tells whether the peer may
    have acted; ``status`` is the HTTP status where the peer got as far as sending one.
    """

    outcome: ClassVar[str] = "failed"

    def __init__(self, message: str, *, effect: Effect = "none", status: int | None = None) -> None:
        super().__init__(message)
        self.effect: Effect = effect
        self.status = status


class RequestRefused(OutboundError):
    """We did not send it: URL, port or header is not one we send."""

    outcome = "request_refused"


class AddressRefused(OutboundError):
    """We did not send it: the host resolves to an address we do not connect to."""

    outcome = "address_refused"


class ResolveFailed(OutboundError):
    """The host name could not be resolved."""

    outcome = "dns"


class ConnectFailed(OutboundError):
    """No TCP connection: refused, unreachable."""

    outcome = "connect"


class TlsFailed(OutboundError):
    """The TLS handshake failed or the certificate is not trusted."""

    outcome = "tls"


class TimedOut(OutboundError):
    """Over the time limit; see ``effect`` for whether the request had been sent."""

    outcome = "timeout"


class ConnectionLost(OutboundError):
    """The connection ended before the reply was complete."""

    outcome = "reset"


class BadReply(OutboundError):
    """The reply is not HTTP as we understand it."""

    outcome = "bad_reply"


class TooLarge(OutboundError):
    """The reply's body is over the size limit, as sent or once decompressed."""

    outcome = "too_large"


class RedirectRefused(OutboundError):
    """The peer answered with a redirect; we never follow one."""

    outcome = "redirect"


class BadEncoding(OutboundError):
    """The reply's body is not in the content encoding it claims, or in one we did not ask for."""

    outcome = "bad_encoding"
