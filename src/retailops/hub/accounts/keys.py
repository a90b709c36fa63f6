"""The text of an API key: `ro_live_PUBLICID_SECRETCHECK`. Pure functions.

The check is six characters of CRC-32, so that a cut or mistyped key is known as one without asking the database, and a
scanner that looks for leaked keys can tell a key from a coincidence.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import zlib
from dataclasses import dataclass
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PREFIX: Final = "ro_live_"
ID_LENGTH: Final = 12
SECRET_LENGTH: Final = 32  # 190 bits
CHECK_LENGTH: Final = 6
_FORM: Final = re.compile(
    f"{PREFIX}([0-9A-Za-z]{{{ID_LENGTH}}})_[0-9A-Za-z]{{{SECRET_LENGTH}}}([0-9A-Za-z]{{{CHECK_LENGTH}}})"
)


@dataclass(frozen=True, slots=True)
class KeyText:
    """A new key; `text` is the secret."""

    public_id: str
    text: str


def generate() -> KeyText:
    """Return a new random key."""
    public_id = _random(ID_LENGTH)
    body = f"{PREFIX}{public_id}_{_random(SECRET_LENGTH)}"
    return KeyText(public_id, body + _check(body))


def public_id_of(text: str) -> str | None:
    """Return the public id of a well-formed key; `None` for anything else."""
    match = _FORM.fullmatch(text)
    if match is None or _check(text[:-CHECK_LENGTH]) != match[2]:
        return None
    return match[1]


def hash_of(text: str) -> bytes:
    """Return what is stored. A plain SHA-256: the secret is random and long, so there is nothing to guess."""
    return hashlib.sha256(text.encode()).digest()


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _check(body: str) -> str:
    number = zlib.crc32(body.encode())
    digits = []
    for _ in range(CHECK_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))
