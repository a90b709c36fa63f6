"""Catalog: how the channel wants it, and the feed itself."""

from typing import Literal

from retailops.contract.base import Envelope, WireModel
from retailops.contract.events import EventsResponse


class CatalogGetConfigRequest(Envelope):
    """Asks how the channel wants its catalog; carries nothing but the envelope."""


class CatalogGetConfigResponse(WireModel):
    """`sku_fanout` says whether a changed SKU is pushed with its siblings or alone."""

    sku_fanout: Literal["related_skus", "no_fanout"] | None = None


class CatalogPushRequest(Envelope):
    """`template_output` is whatever the retailer's feed template produces."""

    template_output: dict[str, object] | None = None


class CatalogPushResponse(EventsResponse):
    """Events only: objects the channel refused are named by their associations."""
