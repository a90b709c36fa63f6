"""Which system user runs the server. PostgreSQL refuses to run as root, so root needs a stand-in."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from retailops.embedded.errors import EmbeddedPostgresError

STAND_INS = ("retailops", "postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A system user other than ourselves."""

    name: str
    uid: int
    gid: int


def account_for(cluster: Path) -> Account | None:
    """The user to run the server of `cluster` as; None means ourselves.

    An existing cluster keeps its owner, so that installing a `postgres` user later changes nothing.
    """
    owner = cluster.stat().st_uid if cluster.exists() else None
    if os.geteuid() != 0:
        if owner not in {None, os.geteuid()}:
            message = (
                f"{cluster} belongs to user id {owner}; run as that user or choose another data directory"
            )
            raise EmbeddedPostgresError(message)
        return None
    if owner == 0:
        message = (
            f"{cluster} belongs to root, and PostgreSQL refuses to run as root; chown -R it to another user"
        )
        raise EmbeddedPostgresError(message)
    return _stand_in() if owner is None else _named(pwd.getpwuid(owner))


def may_enter(directory: Path, account: Account | None) -> bool:
    """Whether `account` may pass through `directory` and all its parents. Asks the kernel: modes, ACLs and all."""
    if account is None:
        return os.access(directory, os.X_OK)
    test = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(directory)]
    done = subprocess.run(test, cwd="/", user=account.uid, group=account.gid, extra_groups=[], check=False)
    return done.returncode == 0


def give(path: Path, account: Account | None) -> None:
    """Make `account` the owner of `path`."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _stand_in() -> Account:
    for name in STAND_INS:
        try:
            return _named(pwd.getpwnam(name))
        except KeyError:
            continue
    message = f"running as root needs one of the system users {', '.join(STAND_INS)}; create one, or set DATABASE_URL"
    raise EmbeddedPostgresError(message)


def _named(entry: pwd.struct_passwd) -> Account:
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
