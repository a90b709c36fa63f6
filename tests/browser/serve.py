"""Migrate and fill the database in DATABASE_URL, then serve the console on a free port until stdin closes.

Prints one line of JSON: the port, and the ids of what the tests open.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import threading

import django


def main() -> None:
    django.setup()
    from django.core.management import call_command
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.db import connection

    from retailops.hub.wsgi import application
    from tests.hub.console.demo import fill

    call_command("migrate", interactive=False, verbosity=0)
    demo = fill()
    connection.close()

    class QuietHandler(WSGIRequestHandler):
        """Says nothing of requests."""

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    server.daemon_threads = True
    server.set_app(application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(json.dumps({"port": server.server_port, **dataclasses.asdict(demo)}) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
