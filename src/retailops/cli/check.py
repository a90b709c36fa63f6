"""`retailops check`: is everything that must be true, true?"""

import typer

from retailops.cli.hub import hub
from retailops.cli.options import DataDir


def check(data_dir: DataDir = None) -> None:
    """Check the invariants of stock, orders, shipments, money and tasks; exit code 1 if any is broken. Changes nothing."""
    with hub({"data_dir": data_dir}):
        from retailops.hub.audit.operations.check_invariants import RULES, check_invariants

        violations = check_invariants()
        broken = {violation.rule: violation for violation in violations}
        for rule in RULES:
            if rule not in broken:
                print(f"ok      {rule}")
                continue
            print(f"BROKEN  {rule}: {broken[rule].count} rows, such as")
            for example in broken[rule].examples:
                print(f"          {example}")
        if violations:
            raise typer.Exit(1)
