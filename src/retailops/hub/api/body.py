"""The body of a call: bounded, decompressed, JSON, an object."""

from __future__ import annotations

import zlib
from typing import Final

from django.http import HttpRequest

from retailops.contract.strict_json import JsonError, JsonValue, parse
from retailops.hub.api.errors import ApiError, Problem

MAX_BYTES: Final = 4 * 1024 * 1024
_GZIP: Final = 16 + zlib.MAX_WBITS


def read_object(request: HttpRequest) -> dict[str, JsonValue]:
    """Return the body's object. Raises `ApiError`, for broken JSON with the line and column; nothing is repaired."""
    _check_type(request)
    try:
        value = parse(_decompressed(request, _read(request)), max_bytes=MAX_BYTES)
    except JsonError as error:
        raise ApiError.of(
            [Problem(error.code, error.message, line=error.line, column=error.column)]
        ) from None
    if not isinstance(value, dict):
        raise ApiError("BODY_NOT_OBJECT", 'the body must be an object, such as {"records": [...]}')
    return value


def _check_type(request: HttpRequest) -> None:
    charset = (request.content_params or {}).get("charset", "utf-8")
    if request.content_type != "application/json" or charset.lower() not in ("utf-8", "utf8"):
        given = request.headers.get("Content-Type", "")[:80] or "none"
        message = f"send Content-Type: application/json, in UTF-8; this call's is {given}"
        raise ApiError("UNSUPPORTED_MEDIA_TYPE", message)


def _read(request: HttpRequest) -> bytes:
    # Not `request.body`: Django's own limit is lower, and raises an HTML answer.
    chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if not chunked:
        body = request.read(MAX_BYTES + 1)
    elif request.META.get("wsgi.input_terminated"):
        body = request.META["wsgi.input"].read(MAX_BYTES + 1)
    else:
        raise ApiError("LENGTH_REQUIRED", "send a Content-Length; this server can't read chunked bodies")
    return _bounded(body)


def _decompressed(request: HttpRequest, body: bytes) -> bytes:
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise ApiError(
            "UNSUPPORTED_MEDIA_TYPE", f"Content-Encoding {encoding[:40]} is not understood; send gzip or none"
        )
    inflater = zlib.decompressobj(_GZIP)
    try:
        # Bounded while it grows: a bomb is never unpacked.
        inflated = _bounded(inflater.decompress(body, MAX_BYTES + 1))
    except zlib.error:
        raise ApiError("BAD_ENCODING", "the body is not gzip, as its Content-Encoding says") from None
    if not inflater.eof or inflater.unused_data:
        raise ApiError("BAD_ENCODING", "the gzip body is cut off, or something follows it")
    return inflated


def _bounded(body: bytes) -> bytes:
    if len(body) > MAX_BYTES:
        raise ApiError("BODY_TOO_LARGE", f"the body has more than {MAX_BYTES} bytes; split the call")
    return body
