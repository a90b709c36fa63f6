"""catalog_push: products as the channel's feed template renders them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from retailops.contract.catalog import CatalogPushRequest, CatalogPushResponse
from retailops.contract.replies import Reply
from retailops.hub.catalog.operations.publish_inventory import publish_listings
from retailops.hub.channels.feed import FeedError, FeedProduct, load_products, render_product
from retailops.hub.channels.interactions.base import Told
from retailops.hub.channels.interactions.events import Errors, Identity, Result, find_errors, judge
from retailops.hub.channels.interactions.replies import ReplyInteraction, subject_of
from retailops.hub.channels.models import Channel
from retailops.hub.channels.operations.note_pushed import PushedListing, note_pushed
from retailops.hub.tasks.handlers import Built
from retailops.hub.tasks.operations.claim_tasks import ClaimedTask
from retailops.hub.tasks.operations.settle_tasks import Settlement
from retailops.hub.tasks.rules import OutcomeClass

NOTHING = "none of the product's SKUs is to be pushed"


@dataclass(slots=True)
class Feed:
    """What a call carries: the entries, the products they are of (task id → product), and tasks settled besides."""

    entries: list[dict[str, object]] = field(default_factory=list)
    products: dict[int, FeedProduct] = field(default_factory=dict)
    aside: dict[int, Result] = field(default_factory=dict)


class CatalogPush(ReplyInteraction[CatalogPushResponse, Feed]):
    """Up to 100 products of a channel in one call. A product that can't be rendered is parked and stops no other."""

    kind = "catalog_push"
    response = CatalogPushResponse
    batch = 100
    blocks_lane = False

    def make_calls(self, channels: Mapping[int, Channel], tasks: Sequence[ClaimedTask]) -> Built:
        """One call a lane."""
        alone = {channel.id for channel in channels.values() if channel.sku_fanout != "related_skus"}
        wanted = [(channels[task.queue_id].id, subject_of(task)) for task in tasks]
        products = load_products(wanted, pending_only=alone)
        lanes: dict[str, list[ClaimedTask]] = defaultdict(list)
        for task in tasks:
            lanes[task.lane].append(task)
        calls, settled = [], []
        for of_lane in lanes.values():
            channel = channels[of_lane[0].queue_id]
            feed = _render(channel, of_lane, products)
            if feed.entries:
                output: dict[str, object] = {"data": {"Product": feed.entries}}
                request = CatalogPushRequest(**self.envelope(channel), template_output=output)
                calls.append(self.call(channel, of_lane, request, feed))
            else:
                settled += [self._without_call(task, feed) for task in of_lane]
        return Built(calls, settled)

    def take(self, told: Sequence[Told[Reply[CatalogPushResponse], Feed]]) -> Mapping[int, Result]:
        """Note of each listing whether it was taken in."""
        results: dict[int, Result] = {}
        pushed: list[PushedListing] = []
        for each in told:
            errors = _errors(each)
            lane = each.tasks[0].lane
            for task_id, product in each.detail.products.items():
                messages = {code: errors.about(*_names(product, code)) for code in product.listings}
                results[task_id] = _judge(messages, errors)
                pushed += [
                    PushedListing(product.listings[code], _product_id(product), lane, message)
                    for code, message in messages.items()
                ]
            results |= {
                task.id: each.detail.aside[task.id] for task in each.tasks if task.id in each.detail.aside
            }
            results |= {task.id: Result() for task in each.tasks if task.id not in results}
        note_pushed(pushed)
        # A channel that met a SKU first in an inventory push may have ignored it there.
        publish_listings(listing_ids={listing.listing_id for listing in pushed if not listing.message})
        return results

    def _without_call(self, task: ClaimedTask, feed: Feed) -> Settlement:
        result = feed.aside[task.id]
        return Settlement(task, result.outcome, result.message, blocks_lane=False)


def _render(
    channel: Channel, tasks: Sequence[ClaimedTask], products: Mapping[tuple[int, int], FeedProduct]
) -> Feed:
    feed = Feed()
    for task in tasks:
        product = products.get((channel.id, subject_of(task)))
        if product is None:
            feed.aside[task.id] = Result(message=NOTHING)
            continue
        try:
            entries = render_product(channel, product)
        except FeedError as error:
            feed.aside[task.id] = Result(OutcomeClass.PERMANENT, str(error))
            continue
        if entries:
            feed.entries += entries
            feed.products[task.id] = product
        else:
            feed.aside[task.id] = Result(message="the feed template leaves the product out")
    return feed


def _errors(told: Told[Reply[CatalogPushResponse], Feed]) -> Errors:
    """Attribute errors; one that names nothing is about the product if there is only one."""
    products = told.detail.products.values()
    known: set[Identity] = {
        name for product in products for code in product.listings for name in _names(product, code)
    }
    errors = find_errors(told.page.events, known)
    if errors.rest and len(told.detail.products) == 1:
        message = judge(told.page.events).message
        return Errors(dict.fromkeys(known, message))
    return errors


def _names(product: FeedProduct, code: str) -> tuple[Identity, Identity]:
    return ("sku_number", code), ("product_id", str(_product_id(product)))


def _product_id(product: FeedProduct) -> int:
    return int(str(product.product["id"]))


def _judge(messages: Mapping[str, str], errors: Errors) -> Result:
    found = "; ".join(f"{code}: {message}" for code, message in messages.items() if message)
    if found and all(messages.values()):
        return Result(OutcomeClass.REFUSED, found)
    if found or errors.rest:
        return Result(OutcomeClass.OK_WITH_ERRORS, found or errors.rest)
    return Result()
