"""A small HTTP/1.1 server on one event loop.

Own code because the faults need the raw connection (cut bodies, wrong lengths, resets). One thread because
then "sell only what is available" needs no lock: a handler runs from check to commit uninterrupted.
"""

import asyncio
import socket
import struct
from http import HTTPStatus

from retailops.demo.storefront.app import App, Request
from retailops.demo.storefront.wire import MAX_BODY_BYTES, BadRequestError, Response, json_response

_MAX_HEAD_BYTES = 32 * 1024
_IDLE_SECONDS = 120.0
# Enough to be too large, so the rest of a longer number does not matter.
_MAX_DIGITS = 16


class Server:
    """Serves an ``App`` on loopback."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, port: int) -> asyncio.Server:
        """Listen on 127.0.0.1; port 0 takes a free one."""
        return await asyncio.start_server(self._serve, "127.0.0.1", port, limit=_MAX_HEAD_BYTES, backlog=1024)

    async def stop(self) -> None:
        """Cut the open connections."""
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            pass  # The peer left, or sends what is not HTTP: nobody to answer.
        except asyncio.CancelledError:
            pass  # Stopping.
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; returns whether the connection stays open."""
        async with asyncio.timeout(_IDLE_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, headers = _parse_head(head)
            if headers.get("expect", "").lower() == "100-continue":
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            try:
                body = await _read_body(reader, headers)
            except BadRequestError as error:
                _write(writer, json_response({"error": str(error)}, error.status), method, keep=False)
                await writer.drain()
                return False
        request = Request(method, target, headers, body, reader.at_eof)
        response = await self._app.respond(request)
        keep = headers.get("connection", "").lower() != "close"
        if response.wire == "drop":
            _reset(writer)
            return False
        keep = _write(writer, response, method, keep=keep)
        await writer.drain()
        return keep


def _parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    try:
        method, target, _version = first.split(" ")
    except ValueError as error:
        raise ConnectionAbortedError from error
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return method, target, headers


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _read_chunks(reader)
    text = headers.get("content-length", "0")
    if not text.isascii() or not text.isdigit():
        raise BadRequestError(400, f"Content-Length: {text!r} is not a whole number")
    _check_size(int(text[:_MAX_DIGITS]))
    return await reader.readexactly(int(text))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        line = (await reader.readuntil(b"\r\n")).partition(b";")[0].strip()
        try:
            size = int(line[:_MAX_DIGITS], 16)
        except ValueError as error:
            raise BadRequestError(400, "body: broken chunk") from error
        _check_size(len(body) + size)
        body += (await reader.readexactly(size + 2))[:size]
        if not size:
            return bytes(body)


def _check_size(size: int) -> None:
    if size > MAX_BODY_BYTES:
        raise BadRequestError(413, f"body: larger than {MAX_BODY_BYTES} bytes; send smaller batches")


def _write(writer: asyncio.StreamWriter, response: Response, method: str, *, keep: bool) -> bool:
    length = len(response.body)
    if response.wire == "wrong-length":
        length //= 2  # The rest of the body will look like the next reply.
    lines = [
        f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
        f"Content-Type: {response.content_type}",
        f"Content-Length: {length}",
        f"Connection: {'keep-alive' if keep else 'close'}",
        *(f"{name}: {value}" for name, value in response.headers.items()),
    ]
    body = b"" if method == "HEAD" else response.body
    if response.wire == "half-body":
        body = body[: len(body) // 2]
        keep = False
    writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
    return keep


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST instead of FIN."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
