"""The screens that are not a table's list or record."""

from collections.abc import Callable

from django.http import HttpResponseBase

from retailops.hub.console.views.api_keys import new_api_key
from retailops.hub.console.views.bulk_orders import bulk_orders
from retailops.hub.console.views.imports import import_skus, import_stock
from retailops.hub.console.views.queues import queue_page, queues
from retailops.hub.console.views.routing_dry_run import routing_dry_run
from retailops.hub.console.views.stock_forms import stock_forms

Screen = tuple[str, Callable[..., HttpResponseBase], str]


def screens() -> list[Screen]:
    """(route, view, name) of each."""
    return [
        ("queues/", queues, "queues"),
        ("queues/<slug:cause>/", queue_page, "queue"),
        ("orders/bulk/", bulk_orders, "bulk_orders"),
        ("stock/post/", stock_forms, "stock_forms"),
        ("stock/import/", import_stock, "import_stock"),
        ("catalog/import/", import_skus, "import_skus"),
        ("accounts/new-key/", new_api_key, "new_api_key"),
        ("routing/dry-run/", routing_dry_run, "routing_dry_run"),
    ]
