"""Puts the console's screens into its site; Django loads it with the contexts' `admin` modules."""

from retailops.hub.console.site import site
from retailops.hub.console.views.api_keys import new_api_key
from retailops.hub.console.views.bulk_orders import bulk_orders
from retailops.hub.console.views.dashboard import dashboard
from retailops.hub.console.views.imports import import_skus, import_stock
from retailops.hub.console.views.queues import queue_page, queues
from retailops.hub.console.views.routing_dry_run import routing_dry_run
from retailops.hub.console.views.stock_forms import stock_forms

site.add_screens(
    [
        ("", dashboard, "index"),
        ("queues/", queues, "queues"),
        ("queues/<slug:cause>/", queue_page, "queue"),
        ("orders/bulk/", bulk_orders, "bulk_orders"),
        ("stock/post/", stock_forms, "stock_forms"),
        ("stock/import/", import_stock, "import_stock"),
        ("catalog/import/", import_skus, "import_skus"),
        ("accounts/new-key/", new_api_key, "new_api_key"),
        ("routing/dry-run/", routing_dry_run, "routing_dry_run"),
    ]
)
