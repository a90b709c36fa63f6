"""A sample storefront: a separate process that plays the channel side of the channel contract.

It keeps its own SQLite database, checks its caller's key, records every call and judges the caller
(``GET /admin/judgement``). Run it with ``python -m retailops.demo.storefront``; it never imports the hub.
"""
