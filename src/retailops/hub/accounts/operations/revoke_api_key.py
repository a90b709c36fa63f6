"""Take access to the API away."""

from __future__ import annotations

from retailops.hub.audit.operations.record import record
from retailops.hub.db import fetch, unit_of_work


@unit_of_work
def revoke_api_key(*, key_id: int, actor: str) -> bool:
    """Revoke a key from the next call on; returns whether it was in force. A revoked key never comes back."""
    revoked = fetch(
        "UPDATE accounts_apikey SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL RETURNING name",
        [key_id],
    )
    if revoked:
        record(
            actor=actor, action="api_key_revoked", subject=f"api_key:{key_id}", data={"name": revoked[0][0]}
        )
    return bool(revoked)
