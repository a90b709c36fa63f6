"""Guarded outbound HTTP: one set of rules on addresses, redirects, sizes and deadlines for every caller.

``aiohttp_client.GuardedSession`` serves the delivery worker (extra ``hub``), ``httpx_client.guarded_client``
everyone else. Both take an ``addresses.AddressPolicy`` and ``limits.Limits`` and raise
``errors.OutboundError``.
"""
