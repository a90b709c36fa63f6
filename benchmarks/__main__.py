"""Run benchmarks: all of them, or those named.

python -m benchmarks [import_orders route_orders whole_life scale]
"""

from __future__ import annotations

import subprocess
import sys

ALL = ("import_orders", "route_orders", "whole_life", "scale")


def main() -> int:
    """Run each in a process of its own; the exit code is 1 if any missed its goal."""
    names = sys.argv[1:] or ALL
    unknown = [name for name in names if name not in ALL]
    if unknown:
        print(f"no benchmark is called {unknown[0]!r}; there are {', '.join(ALL)}")
        return 2
    missed = [
        name
        for name in names
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode
    ]
    if missed:
        print(f"missed their goals: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
