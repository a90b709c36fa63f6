"""A channel's catalog feed: products rendered with the channel's JSON-e template.

A template is rendered once for each product, with this context:

    channel   {code, name}
    product   {id, code, name, description, brand, attributes}
    skus      [{id, code, name, price, currency, weight_kg, kit, attributes, identifiers: {upc: [...], ...}}]

`price` and `weight_kg` are exact numbers to be passed on or written into text, not to be calculated with. The result is
one feed object, or a list of them; each becomes an entry of the feed's "Product" list.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import jsone  # type: ignore[import-untyped]

from retailops.contract.strict_json import dump
from retailops.hub.channels.models import Channel
from retailops.hub.db import columns_of, fetch

DEFAULT_NAME = "default"
#: One object for each SKU, in groups as feeds of this contract have them.
DEFAULT_TEMPLATE: Mapping[str, object] = {
    "$map": {"$eval": "skus"},
    "each(sku)": {
        "General": {
            "SKU": {"$eval": "sku.code"},
            "Name": {
                "$if": "sku.name != ''",
                "then": {"$eval": "sku.name"},
                "else": {"$eval": "product.name"},
            },
            "Description": {"$eval": "product.description"},
            "Brand": {"$eval": "product.brand"},
            "Weight": {"$if": "sku.weight_kg != null", "then": {"$eval": "sku.weight_kg"}},
        },
        "Prices": {"Price": {"$eval": "sku.price"}, "Currency": {"$eval": "sku.currency"}},
        "Identifiers": {"$eval": "sku.identifiers"},
        "Attributes": {"$merge": [{"$eval": "product.attributes"}, {"$eval": "sku.attributes"}]},
    },
}


class FeedError(Exception):
    """A template can't be rendered; the message names the template, the product and the place in the template."""


@dataclass(slots=True)
class FeedProduct:
    """A product with those of its SKUs that go into the feed, as a template sees them; `listings` is SKU code → id."""

    channel_id: int
    product: dict[str, object]
    skus: list[dict[str, object]] = field(default_factory=list)
    listings: dict[str, int] = field(default_factory=dict)


def render_feed(*, channel: Channel, product_ids: Collection[int]) -> list[dict[str, object]]:
    """Return the feed of products with all their SKUs listed on the channel, as it would be pushed.

    Raises `FeedError`.
    """
    products = load_products([(channel.id, product_id) for product_id in product_ids], pending_only=set())
    return [entry for _, product in sorted(products.items()) for entry in render_product(channel, product)]


def render_product(channel: Channel, product: FeedProduct) -> list[dict[str, object]]:
    """Return a product's feed entries. Raises `FeedError`."""
    chosen = channel.feed_template
    name, template = (chosen.name, chosen.template) if chosen else (DEFAULT_NAME, DEFAULT_TEMPLATE)
    context = {
        "channel": {"code": channel.code, "name": channel.name},
        "product": product.product,
        "skus": product.skus,
    }
    where = f"feed template {name!r}, product {product.product['code']}"
    try:
        rendered = jsone.render(template, context)
        objects = rendered if isinstance(rendered, list) else [rendered]
        dump(objects)
    except (
        jsone.JSONTemplateError,
        ArithmeticError,
        LookupError,
        RecursionError,
        TypeError,
        ValueError,
    ) as error:
        message = f"{where}: {error}"
        raise FeedError(message) from error
    if not all(isinstance(each, dict) for each in objects):
        message = f"{where}: the template gives {type(objects[0]).__name__}; it must give an object or a list of objects"
        raise FeedError(message)
    source = {"id": str(product.product["id"]), "source_type": "product"}
    return [{"feed_data": each, "object_data": source} for each in objects]


def load_products(
    wanted: Sequence[tuple[int, int]], *, pending_only: Collection[int]
) -> dict[tuple[int, int], FeedProduct]:
    """Return (channel, product) → the product with its enabled listings, in two statements.

    For channels in `pending_only`, only SKUs that are still to be pushed.
    """
    rows = fetch(
        """SELECT l.channel_id, p.id, p.code, p.name, p.description, p.brand, p.attributes, s.id, s.code, s.name, s.price,
               s.currency, s.weight_kg, s.kit, s.attributes, l.id
           FROM unnest(%s::bigint[], %s::bigint[]) AS w (channel_id, product_id)
           JOIN catalog_product p ON p.id = w.product_id
           JOIN catalog_sku s ON s.product_id = p.id AND s.active
           JOIN catalog_listing l ON l.sku_id = s.id AND l.channel_id = w.channel_id AND l.enabled
             AND (l.push_state = 'pending' OR NOT w.channel_id = ANY(%s))
           ORDER BY l.channel_id, p.id, s.code""",
        [*columns_of(wanted, 2), sorted(pending_only)],
    )
    identifiers = _identifiers({row[7] for row in rows})
    products: dict[tuple[int, int], FeedProduct] = {}
    for channel_id, product_id, code, name, description, brand, attributes, *sku in rows:
        head = {
            "id": product_id, "code": code, "name": name, "description": description, "brand": brand,
            "attributes": _json(attributes),
        }  # fmt: skip
        product = products.setdefault((channel_id, product_id), FeedProduct(channel_id, head))
        product.skus.append(_sku(sku[:-1], identifiers))
        product.listings[sku[1]] = sku[-1]
    return products


def _sku(row: Sequence[object], identifiers: Mapping[object, Mapping[str, list[str]]]) -> dict[str, object]:
    sku_id, code, name, price, currency, weight, kit, attributes = row
    return {
        "id": sku_id,
        "code": code,
        "name": name,
        "price": _number(price),
        "currency": currency,
        "weight_kg": _number(weight),
        "kit": kit,
        "attributes": _json(attributes),
        "identifiers": dict(identifiers.get(sku_id, {})),
    }


def _json(text: object) -> object:
    """A JSON column as `fetch` gives it, its numbers exact."""
    return json.loads(str(text), parse_float=Decimal)


def _number(value: object) -> Decimal | None:
    """The number without the zeros that its column fills up with."""
    return value.normalize() + 0 if isinstance(value, Decimal) else None


def _identifiers(sku_ids: Collection[int]) -> Mapping[object, Mapping[str, list[str]]]:
    """SKU → kind → values."""
    rows = fetch(
        "SELECT sku_id, kind, value FROM catalog_skuidentifier WHERE sku_id = ANY(%s) ORDER BY sku_id, kind, value",
        [sorted(sku_ids)],
    )
    found: dict[object, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for sku_id, kind, value in rows:
        found[sku_id][kind].append(value)
    return found
