"""Bounded reading of a reply's body, compressed or not."""

import zlib
from collections.abc import Iterator
from http import HTTPStatus

from retailops.outbound.errors import BadEncoding, RedirectRefused, TooLarge
from retailops.outbound.limits import Limits

ACCEPT_ENCODING = "gzip"

_STEP = 1024 * 1024
# zlib's window bits for "gzip or zlib header, whichever is there".
_ANY_HEADER = 32 + zlib.MAX_WBITS


def refuse_redirect(status: int) -> None:
    """Raise ``RedirectRefused`` for 3xx, except 304 which redirects nowhere."""
    redirects = range(HTTPStatus.MULTIPLE_CHOICES, HTTPStatus.BAD_REQUEST)
    if status in redirects and status != HTTPStatus.NOT_MODIFIED:
        msg = f"the peer answered {status}; redirects are not followed. Configure the final URL"
        raise RedirectRefused(msg, effect="unknown", status=status)


class BodyDecoder:
    """Turns the raw chunks of one body into decoded ones and stops at ``Limits.max_bytes``.

    The limit holds for raw and decoded bytes alike, and a chunk is inflated in steps, so that a
    decompression bomb costs at most the limit plus one step of memory.
    """

    def __init__(self, limits: Limits, *, status: int, encoding: str, content_length: str) -> None:
        """``encoding`` and ``content_length`` are the reply's headers, "" where absent.

        Raises ``TooLarge`` or ``BadEncoding`` when they alone settle it.
        """
        self._limit = limits.max_bytes
        self._status = status
        self._raw_size = self._size = 0
        if content_length.isascii() and content_length.isdigit():
            # Compared as text: int() itself refuses absurdly long digit strings.
            digits, limit = content_length.lstrip("0"), str(self._limit)
            if (len(digits), digits) > (len(limit), limit):
                raise self._too_large()
        self._encoding = encoding.strip().lower()
        if self._encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
            raise self._bad_encoding("was not asked for")
        self._compressed = self._encoding not in {"", "identity"}
        self._inflate = zlib.decompressobj(_ANY_HEADER) if self._compressed else None

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The decoded bytes of one raw chunk. Raises ``TooLarge`` or ``BadEncoding``."""
        self._raw_size += len(chunk)
        if self._raw_size > self._limit:
            raise self._too_large()
        if self._inflate is None:
            yield chunk
            return
        while chunk:
            try:
                decoded = self._inflate.decompress(chunk, _STEP)
            except zlib.error as exc:
                raise self._bad_encoding("is broken") from exc
            self._size += len(decoded)
            if self._size > self._limit:
                raise self._too_large()
            if self._inflate.unused_data:
                raise self._bad_encoding("goes on after its end")
            yield decoded
            chunk = self._inflate.unconsumed_tail

    def finish(self) -> None:
        """Call at the end of the body: raises ``BadEncoding`` when the compressed stream is cut short."""
        if self._inflate is not None and self._raw_size and not self._inflate.eof:
            raise self._bad_encoding("is cut short")

    def _too_large(self) -> TooLarge:
        msg = f"the reply's body is over the limit of {self._limit} bytes"
        return TooLarge(msg, effect="unknown", status=self._status)

    def _bad_encoding(self, problem: str) -> BadEncoding:
        found = self._encoding[:40]
        msg = f"the reply's content encoding {found!r} {problem}; expected {ACCEPT_ENCODING} or none"
        return BadEncoding(msg, effect="unknown", status=self._status)
