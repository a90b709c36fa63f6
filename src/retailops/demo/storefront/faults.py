"""Faults on purpose, drawn from a seed: ``name[@interaction]:probability[:argument]``, comma separated."""

import random
import re
from dataclasses import dataclass

from retailops.demo.storefront.wire import Response, encode

# The hub's request is thrown away.
BEFORE_EFFECT = {
    "drop-before-effect",
    "html-502",
    "status-500",
    "status-503",
    "status-429",
    "redirect",
    "unauthorized-burst",
}
# The effect is done, the reply is spoilt.
AFTER_EFFECT = {
    "drop-after-effect",
    "half-body",
    "wrong-length",
    "html-200",
    "slow",
    "invalid-json",
    "nan-money",
    "wrong-types",
    "duplicate-keys",
    "nul",
    "lone-surrogate",
    "deep-nesting",
    "huge-body",
}
# Only order_pull: the page is well-formed and wrong.
PAGE_FAULTS = {"endless-pages", "repeated-token", "duplicate-order", "mutated-order"}

# What the optional argument means, and its default.
_ARGUMENTS = {
    "slow": 1000,  # milliseconds
    "huge-body": 32,  # MB
    "status-503": 1,  # Retry-After, seconds
    "status-429": 1,
    "unauthorized-burst": 5,  # calls
    "deep-nesting": 100_000,  # levels
}
_RULE = re.compile(r"([a-z0-9-]+)(?:@([a-z_]+))?:([0-9.]+)(?::([0-9]+))?")
_HTML = b"<!doctype html><title>Bad gateway</title><h1>The server is having a bad day</h1>"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: ``argument`` as described in ``_ARGUMENTS``; an empty interaction means all."""

    name: str
    interaction: str = ""
    probability: float = 1.0
    argument: int = 0


class Faults:
    """Decides which fault, if any, strikes a call. The same seed and calls give the same faults."""

    def __init__(self, spec: str = "", seed: int = 0) -> None:
        self.spec = spec
        self.seed = seed
        self._random = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self._rules = [_parse_rule(rule) for rule in spec.split(",") if rule.strip()]
        self._burst_left = 0

    def draw(self, interaction: str) -> Fault | None:
        """The fault for the next call."""
        if self._burst_left:
            self._burst_left -= 1
            return Fault("unauthorized-burst")
        # One draw per rule and call keeps the sequence the same whatever the interactions are.
        hits = [rule for rule in self._rules if self._random.random() < rule.probability]
        for rule in hits:
            if rule.interaction in {"", interaction} and _suits(rule, interaction):
                if rule.name == "unauthorized-burst":
                    self._burst_left = rule.argument - 1
                return rule
        return None


def _suits(rule: Fault, interaction: str) -> bool:
    return interaction == "order_pull" or rule.name not in PAGE_FAULTS


def _parse_rule(text: str) -> Fault:
    match = _RULE.fullmatch(text.strip())
    if match is None:
        msg = f"faults: {text!r} is not name[@interaction]:probability[:argument]"
        raise ValueError(msg)
    name, interaction, probability, argument = match.groups()
    if name not in BEFORE_EFFECT | AFTER_EFFECT | PAGE_FAULTS:
        known = ", ".join(sorted(BEFORE_EFFECT | AFTER_EFFECT | PAGE_FAULTS))
        msg = f"faults: unknown fault {name!r}; use one of {known}"
        raise ValueError(msg)
    amount = int(argument) if argument else _ARGUMENTS.get(name, 0)
    return Fault(name, interaction or "", float(probability), amount)


def instead_of_effect(fault: Fault) -> Response:  # noqa: PLR0911 - one a fault
    """The reply of a call that was thrown away."""
    retry_after = {"Retry-After": str(fault.argument)}
    match fault.name:
        case "html-502":
            return Response(502, _HTML, "text/html")
        case "status-500":
            return Response(500, encode({"error": "internal error"}))
        case "status-503":
            return Response(503, encode({"error": "down for maintenance"}), headers=retry_after)
        case "status-429":
            return Response(429, encode({"error": "too many requests"}), headers=retry_after)
        case "redirect":
            return Response(302, headers={"Location": "/"})
        case "unauthorized-burst":
            return Response(401, encode({"error": "unauthorized"}))
        case _:
            return Response(200, wire="drop")


def spoil(fault: Fault, response: Response) -> Response:
    """The reply of a call that took effect, spoilt."""
    match fault.name:
        case "drop-after-effect":
            response.wire = "drop"
        case "half-body":
            response.wire = "half-body"
        case "wrong-length":
            response.wire = "wrong-length"
        case "html-200":
            return Response(200, _HTML, "text/html")
        case _:
            response.body = _spoil_json(fault, response.body)
    return response


def _spoil_json(fault: Fault, body: bytes) -> bytes:  # noqa: PLR0911 - one a fault
    match fault.name:
        case "invalid-json":
            return body + b"}"
        case "nan-money":
            if b'_amt":' in body:
                return re.sub(rb'_amt":-?[0-9.]+', b'_amt":NaN', body)
            return _add(body, b'"amount":NaN')
        case "wrong-types":
            return b'{"events":"none","orders":{"0":1},"status":7,"next_page_token":12,"line_items":"x"}'
        case "duplicate-keys":
            return _add(body, *[b'"events":[],"orders":[],"next_page_token":""'] * 2)
        case "nul":
            return _into_text(body, b"a\\u0000b")
        case "lone-surrogate":
            return _into_text(body, b"a\\ud800b")
        case "deep-nesting":
            return _add(body, b'"deep":' + b"[" * fault.argument + b"]" * fault.argument)
        case "huge-body":
            return _add(body, b'"padding":"' + b"x" * (fault.argument * 1_000_000) + b'"')
        case _:
            return body


def _add(body: bytes, *members: bytes) -> bytes:
    """Append members to a JSON object."""
    start = body.rstrip(b"}") if body == b"{}" else body[:-1] + b","
    return start + b",".join(members) + b"}"


def _into_text(body: bytes, text: bytes) -> bytes:
    """Put text where the hub keeps it: an order's gift message, else an event's message."""
    if b'"gift_message":"' in body:
        return body.replace(b'"gift_message":"', b'"gift_message":"' + text, 1)
    event = b'{"event_type":"info","code":"NOTE","message":"' + text + b'"}'
    if b'"events":[]' in body:
        return body.replace(b'"events":[]', b'"events":[' + event + b"]", 1)
    return _add(body, b'"message":"' + text + b'"')
