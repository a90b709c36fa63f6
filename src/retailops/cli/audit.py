"""`retailops audit`: is everything that must be true, true?"""

import typer

from retailops.cli.hub import hub
from retailops.cli.options import DataDir


def audit(data_dir: DataDir = None) -> None:
    """Check the invariants of stock, orders, shipments, money and tasks. Changes nothing.

    Each rule is printed with the number of rows that break it. Exit code 1 if there are any.
    """
    with hub({"data_dir": data_dir}):
        from retailops.hub.audit.operations.check_invariants import RULES, check_invariants

        violations = check_invariants()
        broken = {violation.rule: violation for violation in violations}
        for rule in RULES:
            if rule not in broken:
                print(f"ok      {0:>7,}  {rule}")
                continue
            print(f"BROKEN  {broken[rule].count:>7,}  {rule}, such as")
            for example in broken[rule].examples:
                print(f"                 {example}")
        if violations:
            raise typer.Exit(1)
