"""Which action a path names. Pure functions.

`/seg(/seg)*(~N)?.json`, ASCII case-insensitive; no `~N` means version 1. Everything else is BAD_PATH.
"""

from __future__ import annotations

import re
from typing import Final

from retailops.hub.api.errors import ApiError

# Spelt out instead of IGNORECASE: Unicode folds more letters to "s" and "k" than ASCII has.
_PATH: Final = re.compile(r"((?:/[A-Za-z0-9_]+)+)(?:~([1-9][0-9]{0,3}))?\.[jJ][sS][oO][nN]")
_SHOWN: Final = 80


def parse_path(path: str) -> tuple[str, int]:
    """Return (action name in lower case, version) for a path that has been percent-decoded once.

    Raises `ApiError` BAD_PATH.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        shown = path[:_SHOWN].encode("ascii", "backslashreplace").decode().replace("\0", "\\0")
        message = f"{shown} is no action's address; write it as in /Vendor/PO/Fetch.json or /product/externalsku/update~2.json"
        raise ApiError("BAD_PATH", message)
    return match[1][1:].replace("/", ".").lower(), int(match[2] or 1)
