"""Tell a channel of everything that it lists."""

from __future__ import annotations

from retailops.hub.catalog.operations.publish_inventory import publish_selected

#: What changes which stock a channel is offered.
OFFER_SETTINGS = frozenset({"facilities", "use_vendor_stock", "use_inflight_stock"})

_LISTINGS = "SELECT id FROM catalog_listing WHERE channel_id = %(channel)s"


def publish_channel(*, channel_id: int) -> int:
    """Queue an inventory push of all that a channel lists; return how many.

    Call it in the transaction that changed the channel, after the change: the push lane stays locked until the commit.
    """
    return publish_selected(_LISTINGS, {"channel": channel_id})
