"""What can go wrong with the embedded database."""


class EmbeddedPostgresError(RuntimeError):
    """The database could not be started or stopped; the message says why and what to do."""


class StillStartingError(EmbeddedPostgresError):
    """The server does not answer yet: it recovers from a crash, or another process is at it. `start()` waits on."""
