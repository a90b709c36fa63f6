"""Prepares an empty database for trade: `python -m tests.faults.seeding STOREFRONT_URL CHANNEL_KEY`; prints the API keys."""

from __future__ import annotations

import json
import sys

import django

#: Sold out early: what is left is fought over, with every kind of failure in between.
SCARCE = {f"SCARCE-{number}": 60 for number in range(3)}
PLENTIFUL = [f"SKU-{number:02d}" for number in range(20)]
KIT = "KIT"
SOFA = "SOFA"
SOFA_VPC = "AC-SOFA"


def main() -> None:
    django.setup()
    from django.core.management import call_command

    from retailops.demo.seed import SeedSku, seed, seed_plan
    from retailops.hub.accounts.models import User
    from retailops.hub.db import execute

    call_command("migrate", verbosity=0)
    User.objects.create_superuser("admin")
    everywhere = {"EAST": 50_000, "WEST": 50_000}
    skus = [
        *(SeedSku(code, code, "9.95", stock=everywhere) for code in PLENTIFUL),
        *(SeedSku(code, code, "75.00", stock={"EAST": units}) for code, units in SCARCE.items()),
        SeedSku(KIT, KIT, "25.00", kit={PLENTIFUL[0]: 2, PLENTIFUL[1]: 1}),
        SeedSku(SOFA, SOFA, "899.00", vpc=SOFA_VPC),
    ]
    keys = seed(
        seed_plan(
            run=1, storefront_url=sys.argv[1], channel_key=sys.argv[2], currency="USD", keys=True, skus=skus
        )
    )
    execute("UPDATE tasks_schedule SET every_seconds = 1 WHERE kind = 'order_pull'")
    sys.stdout.write(json.dumps(keys) + "\n")


if __name__ == "__main__":
    main()
