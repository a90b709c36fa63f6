"""Reading a page of order_pull: a bad order never costs the others."""

from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError

from retailops.contract.base import ACCEPTING
from retailops.contract.pull import OrderPullResponse, PulledOrder
from retailops.contract.strict_json import JsonValue, parse
from retailops.contract.violations import (
    MAX_ENTRIES,
    ContractViolation,
    Violation,
    excerpt,
    from_error,
    unknown_fields,
)

MAX_ORDERS: Final = 100
MAX_TOKEN: Final = 35
MAX_VIOLATIONS_PER_ORDER: Final = 20

_ORDERS: Final = TypeAdapter(list[PulledOrder])


@dataclass(frozen=True, slots=True)
class RejectedOrder:
    """An order that could not be read, its place in the page, and its refnum where that is readable."""

    index: int
    channel_order_refnum: str | None
    violations: list[Violation]


@dataclass(frozen=True, slots=True)
class PullPage:
    """`orders` have distinct refnums. `violations` stopped nothing; they are the page's and its orders'."""

    orders: list[PulledOrder]
    rejected: list[RejectedOrder]
    next_page_token: str
    violations: list[Violation]


def parse_pull_page(body: bytes) -> PullPage:
    """Raises JsonError for what is not JSON and ContractViolation for what is not a page of orders."""
    page = parse(body)
    if not isinstance(page, dict):
        raise ContractViolation(
            [Violation("", "must be an object with orders and next_page_token", excerpt(page))]
        )
    raw = page.get("orders")
    if raw is not None and not isinstance(raw, list):
        raise ContractViolation([Violation("orders", "must be an array of orders", excerpt(raw))])
    if raw and len(raw) > MAX_ENTRIES:
        raise ContractViolation(
            [Violation("orders", f"has {len(raw)} orders; send at most {MAX_ORDERS} a page")]
        )
    violations: list[Violation] = []
    token = _token(page, violations)
    if "orders" not in page:
        violations.append(Violation("orders", "is missing; taken as no orders"))
    raw = raw or []
    if len(raw) > MAX_ORDERS:
        violations.append(Violation("orders", f"has {len(raw)} orders; a page holds at most {MAX_ORDERS}"))
    read, rejected = _read(raw, violations)
    orders = _distinct(read, rejected, violations)
    violations += unknown_fields(OrderPullResponse, page)
    return PullPage(orders, sorted(rejected, key=lambda each: each.index), token, violations)


def _token(page: dict[str, JsonValue], violations: list[Violation]) -> str:
    token = page.get("next_page_token")
    path = "next_page_token"
    if isinstance(token, str):
        if len(token) > MAX_TOKEN:
            message = f"has {len(token)} characters; page_token may have at most {MAX_TOKEN}"
            violations.append(Violation(path, message, excerpt(token)))
        return token
    if path not in page:
        violations.append(
            Violation(path, "is missing; taken as the last page. Send a blank string to end the pull")
        )
    else:
        violations.append(Violation(path, "must be a string; taken as the last page", excerpt(token)))
    return ""


def _read(
    raw: list[JsonValue], violations: list[Violation]
) -> tuple[list[tuple[int, PulledOrder]], list[RejectedOrder]]:
    """Validates all at once, and order by order only when something is wrong."""
    try:
        return list(enumerate(_ORDERS.validate_python(raw))), []
    except ValidationError as error:
        deviations: dict[int, list[Violation]] = {}
        for location, violation in from_error(error, ("orders",)):
            deviations.setdefault(int(location[0]), []).append(violation)
    read: list[tuple[int, PulledOrder]] = []
    rejected: list[RejectedOrder] = []
    for index, order in enumerate(raw):
        try:
            read.append((index, PulledOrder.model_validate(order, context=ACCEPTING)))
            violations += deviations.get(index, [])[:MAX_VIOLATIONS_PER_ORDER]
        except ValidationError as error:
            found = [violation for _, violation in from_error(error, ("orders", index))]
            rejected.append(RejectedOrder(index, _refnum(order), found[:MAX_VIOLATIONS_PER_ORDER]))
    return read, rejected


def _refnum(order: JsonValue) -> str | None:
    refnum = order.get("channel_order_refnum") if isinstance(order, dict) else None
    if isinstance(refnum, bool) or not isinstance(refnum, str | int):
        return None
    return excerpt(str(refnum))


def _distinct(
    read: list[tuple[int, PulledOrder]], rejected: list[RejectedOrder], violations: list[Violation]
) -> list[PulledOrder]:
    """The first order of each refnum. Which of two is right cannot be known here, so later ones are rejected."""
    first: dict[str, int] = {}
    orders: list[PulledOrder] = []
    for index, order in read:
        refnum = order.channel_order_refnum
        if first.setdefault(refnum, index) == index:
            orders.append(order)
            continue
        path = f"orders[{index}].channel_order_refnum"
        violation = Violation(
            path, f"is the same as that of orders[{first[refnum]}]; only that one was read", refnum
        )
        violations.append(violation)
        rejected.append(RejectedOrder(index, refnum, [violation]))
    return orders
