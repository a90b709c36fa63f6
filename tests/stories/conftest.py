"""The fixture that every story begins with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .world import Opening


@pytest.fixture
def opens(transactional_db: None, tmp_path: Path) -> Iterator[Opening]:
    """See `world.opening`."""
    # Not at the top: conftest files may be read before the database and Django are there.
    from .world import opening

    with opening(tmp_path) as opens:
        yield opens
