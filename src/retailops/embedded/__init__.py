"""PostgreSQL from a wheel: one server per data directory, started, adopted and stopped by us."""

from retailops.embedded.errors import EmbeddedPostgresError, StillStartingError
from retailops.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "StillStartingError"]
