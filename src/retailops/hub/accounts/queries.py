"""Who stands behind an API key."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from retailops.hub.accounts.keys import hash_of, public_id_of
from retailops.hub.db import execute, fetch

#: How exact `last_used_at` is. Not every call writes.
USED_EVERY_SECONDS: Final = 60


@dataclass(frozen=True, slots=True)
class KeyOwner:
    """A key that was found. `refusal` says why it can't be used; empty: it can."""

    id: int
    username: str
    vendor_id: int | None
    vendor_code: str | None
    vendor_name: str | None
    vendor_enabled: bool | None
    facility_id: int | None
    facility_code: str | None
    actions: tuple[str, ...]
    http_status_mode: str
    refuse_unknown_fields: bool
    refusal: str


def find_key(text: str) -> KeyOwner | None:
    """Return the owner of a key, and note that the key is used; `None` for a key that was never ours."""
    public_id = public_id_of(text)
    if public_id is None:
        return None
    rows = fetch(
        """SELECT k.id, u.username, k.vendor_id, v.code, v.name, v.enabled, k.facility_id, f.code, k.actions,
               k.http_status_mode, k.refuse_unknown_fields,
               CASE WHEN k.revoked_at IS NOT NULL THEN 'revoked' WHEN k.expires_at <= now() THEN 'expired'
                    WHEN NOT u.is_active THEN 'its user is switched off' ELSE '' END,
               k.secret_hash, coalesce(k.last_used_at < now() - make_interval(secs => %s), true)
           FROM accounts_apikey k JOIN accounts_user u ON u.id = k.user_id
           LEFT JOIN purchasing_vendor v ON v.id = k.vendor_id LEFT JOIN stock_facility f ON f.id = k.facility_id
           WHERE k.public_id = %s""",
        [USED_EVERY_SECONDS, public_id],
    )
    if not rows:
        return None
    *columns, secret_hash, unused_for_long = rows[0]
    if not hmac.compare_digest(bytes(secret_hash), hash_of(text)):
        return None
    columns[8] = tuple(columns[8])
    owner = KeyOwner(*columns)
    if unused_for_long and not owner.refusal:
        execute("UPDATE accounts_apikey SET last_used_at = now() WHERE id = %s", [owner.id])
    return owner
