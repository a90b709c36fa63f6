"""The hub on a real socket, inside the test's own transaction."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from wsgiref.simple_server import WSGIRequestHandler, make_server

from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connections
from django.test import override_settings


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """Serve the hub from one thread, which uses the test's connection: what the test wrote is there, and rolls back."""
    server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
    shared = connections["default"]

    def run() -> None:
        connections["default"] = shared
        server.serve_forever(poll_interval=0.02)

    # Between requests Django would close the connection, and with it the test's transaction.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    shared.inc_thread_sharing()
    thread = threading.Thread(target=run)
    thread.start()
    try:
        with override_settings(ALLOWED_HOSTS=["127.0.0.1"]):
            yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        shared.dec_thread_sharing()
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)
