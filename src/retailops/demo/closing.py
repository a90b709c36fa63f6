"""After the day: are hub and storefront of one mind, do the books add up, what is there to tell?"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from retailops.client import RetailOpsError
from retailops.demo.checks import Check, compare, hub_orders, shop_orders
from retailops.demo.report import print_checks, print_day, print_file, print_unfinished
from retailops.demo.seed import OPERATOR_KEY
from retailops.demo.stage import Stage
from retailops.demo.watch import HubOrder

#: How long the last words between hub and storefront may take.
AGREEING_SECONDS = 60.0
LOOK_SECONDS = 1.0
NAMED = 5


def close_day(stage: Stage, *, seconds: float) -> bool:
    """Check and print the day's accounts; returns whether all of it is good."""
    orders, checks = _agree(stage)
    unfinished = [order for order in orders if not order.has_ended]
    problems = [f"{check.name}: hub and storefront differ" for check in checks if not check.is_good]
    problems += _broken_invariants(stage) + _judgement(stage) + stage.day.tally.troubles()
    if stuck := [order.refnum for order in unfinished if not order.reason]:
        problems.append(
            f"{len(stuck)} orders have not ended, for no stated reason: {', '.join(stuck[:NAMED])}"
        )
    ends = Counter(order.status if order.has_ended else "not ended" for order in orders)
    print_day(stage.console, stage.day.tally.counts() + ends, stage.day.tally.refusals(), seconds)
    print_unfinished(stage.console, unfinished)
    if stage.replay is not None:
        print_file(stage.console, stage.replay.report)
        if not stage.replay.report.adds_up:
            problems.append("the rows of the file are not all accounted for")
    print_checks(stage.console, checks)
    for problem in problems:
        stage.say(f"WRONG  {problem}")
    if not problems:
        stage.say("All invariants hold, the storefront has no complaints, both sides agree.")
    return not problems


def _agree(stage: Stage) -> tuple[Sequence[HubOrder], Sequence[Check]]:
    """Compare the books; the last messages to the storefront may still be on their way."""
    api, deadline = stage.api(OPERATOR_KEY), time.monotonic() + AGREEING_SECONDS
    placed = sorted(stage.day.placed)
    while True:
        orders = hub_orders(api, placed)
        with stage.shop() as shop:
            checks = compare(placed, orders, shop_orders(shop, set(placed)))
        if all(check.is_good for check in checks) or time.monotonic() > deadline:
            return orders, checks
        time.sleep(LOOK_SECONDS)


def _broken_invariants(stage: Stage) -> list[str]:
    api = stage.api(OPERATOR_KEY)
    try:
        answer = api.call("System.Invariants.Check")
        parked = api.call("System.Status")["tasks"]["parked"]
    except RetailOpsError as error:
        return [str(error)]
    stage.say(f"Invariants checked: {answer['rules_checked']}, broken: {len(answer['records'])}")
    broken = [
        f"invariant {each['rule']}: {each['count']}, such as {each['examples'][0]}"
        for each in answer["records"]
    ]
    return broken + ([f"{parked} tasks are parked; see them with `retailops tasks`"] if parked else [])


def _judgement(stage: Stage) -> list[str]:
    with stage.shop() as shop:
        violations = shop.get("/admin/judgement").raise_for_status().json()["violations"]
    stage.say(f"The storefront's complaints about the hub: {len(violations)}")
    return [
        f"the storefront complains: {each['code']} {each['text']} {each['refnums']}"
        for each in violations[:10]
    ]
