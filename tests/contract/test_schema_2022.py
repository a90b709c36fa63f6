"""The models against the published contract: every field, type and limit, with each difference on a list."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from retailops.contract.interactions import INTERACTIONS
from retailops.contract.schema import json_schema

PUBLISHED = Path(__file__).parents[3] / "shared/contract/channel/swagger-2022.json"
RULES = (
    "type",
    "enum",
    "format",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
)
LIMITS_OF_64_BITS = {"minimum": -(2**63), "exclusiveMaximum": 2**63}

REMOVED = "as published, a string that must be one of the booleans, no value at all is valid"
CENTS = "shipping has cents, and every other amount is a number"
SHIPPABLE = "a quantity is countable and fits the hub's columns"
KEY = "the identity of all later calls is neither blank nor longer than the hub's column"

_RULE_OF_REMOVED = {
    f"{request}.order.order_items[].removed: {rule}": REMOVED
    for request in ("order_complete request", "order_settle_payment request", "order_returned request")
    for rule in ("type boolean, not string", "enum None, not [True, False]")
}
_ORDERS = "order_pull response.orders[]"

INTENDED_DIFFERENCES: dict[str, str] = _RULE_OF_REMOVED | {
    "order_update request.rmas[].shipping_amt: type number, not integer": CENTS,
    "order_returned request.return.shipping_amt: type number, not integer": CENTS,
    f"{_ORDERS}: required order_items too": "an order without items cannot be imported",
    f"{_ORDERS}.channel_order_refnum: minLength 1, not None": KEY,
    f"{_ORDERS}.channel_order_refnum: maxLength 255, not None": KEY,
    f"{_ORDERS}.order_items[].channel_item_refnum: minLength 1, not None": KEY,
    f"{_ORDERS}.order_items[].channel_item_refnum: maxLength 255, not None": KEY,
    f"{_ORDERS}.order_items[].quantity: minimum 0, not None": SHIPPABLE,
    f"{_ORDERS}.order_items[].quantity: exclusiveMaximum 2147483648, not None": SHIPPABLE,
    f"{_ORDERS}.order_items[].currency_values.unit_price: minimum 0, not None": "a price below zero is a discount",
}


def _resolved(node: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
    """The node without $ref and allOf."""
    if "$ref" in node:
        target: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return _resolved(target, document)
    merged: dict[str, Any] = {name: value for name, value in node.items() if name != "allOf"}
    for part in node.get("allOf", ()):
        for name, value in _resolved(part, document).items():
            if name == "properties":
                merged["properties"] = merged.get("properties", {}) | value
            elif name == "required":
                merged["required"] = [*merged.get("required", ()), *value]
            else:
                merged[name] = value
    return merged


def _differences(
    path: str,
    ours: Mapping[str, Any],
    our_document: Mapping[str, Any],
    theirs: Mapping[str, Any],
    document: Mapping[str, Any],
) -> Iterator[str]:
    ours, theirs = _resolved(ours, our_document), _resolved(theirs, document)
    yield from (f"{path}: {each}" for each in _rules(ours, theirs))
    our_fields, their_fields = ours.get("properties", {}), theirs.get("properties", {})
    for name in sorted(our_fields.keys() ^ their_fields.keys()):
        yield f"{path}.{name}: only {'ours' if name in our_fields else 'published'}"
    for name in sorted(our_fields.keys() & their_fields.keys()):
        yield from _differences(
            f"{path}.{name}", our_fields[name], our_document, their_fields[name], document
        )
    if "items" in ours and "items" in theirs:
        yield from _differences(f"{path}[]", ours["items"], our_document, theirs["items"], document)


def _rules(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(set(ours.get("required", ())) ^ set(theirs.get("required", ()))):
        yield f"required {name} {'too' if name in ours.get('required', ()) else 'not'}"
    for rule in RULES:
        mine, published = ours.get(rule), theirs.get(rule)
        if isinstance(mine, list) and isinstance(published, list):
            mine, published = sorted(mine), sorted(published)
        if mine != published and (rule, mine) not in LIMITS_OF_64_BITS.items():
            yield f"{rule} {mine}, not {published}"


def _all_differences() -> set[str]:
    document = json.loads(PUBLISHED.read_text())
    found: set[str] = set()
    for name, interaction in INTERACTIONS.items():
        operation = document["paths"][f"/{interaction.path}"]["post"]
        request = json_schema(interaction.request)
        response = json_schema(interaction.response)
        asked, answered = operation["parameters"][0]["schema"], operation["responses"]["200"]["schema"]
        found |= set(_differences(f"{name} request", request, request, asked, document))
        found |= set(_differences(f"{name} response", response, response, answered, document))
    return found


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published contract is not beside the checkout")
def test_models_are_the_published_contract_save_for_the_intended_differences() -> None:
    assert _all_differences() == INTENDED_DIFFERENCES.keys()


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the published contract is not beside the checkout")
def test_every_published_interaction_has_a_model() -> None:
    published = json.loads(PUBLISHED.read_text())["paths"]
    assert {f"/{each.path}" for each in INTERACTIONS.values()} == set(published)
