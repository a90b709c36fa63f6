"""`retailops migrate`: the database's tables, brought up to this version."""

from retailops.cli.hub import hub
from retailops.cli.options import DataDir
from retailops.cli.parent import die_with_supervisor

# Any number will do, as long as every version of RetailOps takes the same.
ADVISORY_LOCK = 7_274_001


def migrate(data_dir: DataDir = None) -> None:
    """Apply what is missing. Safe to run anywhere, any number of times, at the same time."""
    die_with_supervisor()
    with hub({"data_dir": data_dir}):
        from django.core.management import call_command
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
        call_command("migrate", interactive=False, verbosity=0)
        from retailops.hub.console.roles import ensure_roles

        ensure_roles()
        connection.close()  # releases the lock
    print("The database is up to date.")
