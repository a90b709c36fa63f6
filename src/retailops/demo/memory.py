"""What the demonstration remembers in its data directory from one day to the next."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Memory:
    """The storefront's channel key, the API keys of the players, and how many days were started."""

    channel_key: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    api_keys: dict[str, str] = field(default_factory=dict)
    days: int = 0


def load_memory(directory: Path) -> Memory:
    """Read what earlier days left; empty at first."""
    try:
        return Memory(**json.loads((directory / "demo.json").read_text()))
    except FileNotFoundError:
        return Memory()


def save_memory(directory: Path, memory: Memory) -> None:
    """Write it, readable by us alone, at once or not at all."""
    scratch = directory / "demo.json.new"
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(memory), file, indent=1)
    scratch.replace(directory / "demo.json")
