"""Give a program access to the API."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from retailops.hub.accounts.keys import generate, hash_of
from retailops.hub.accounts.models import ApiKey
from retailops.hub.audit.operations.record import record
from retailops.hub.db import unit_of_work

_ACTION: Final = re.compile(r"[A-Za-z0-9]+(\.[A-Za-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """`key` is shown to the person who asked for it, now and never again."""

    id: int
    key: str


class ApiKeyError(Exception):
    """The key can't be made so. The message names the problem and the way out."""


@unit_of_work
def create_api_key(
    *,
    user_id: int,
    name: str,
    actor: str,
    vendor_id: int | None = None,
    facility_id: int | None = None,
    actions: Sequence[str] = (),
    expires_at: datetime | None = None,
    http_status_mode: str = "compat",
    refuse_unknown_fields: bool = False,
) -> NewApiKey:
    """Create a key for a vendor, for a facility, or with neither for an operator.

    `actions` are action names or their beginnings, such as "Vendor.PO"; none: all that the scope allows. Raises
    `ApiKeyError`.
    """
    if vendor_id is not None and facility_id is not None:
        message = "a key is a vendor's or a facility's, not both; make two keys"
        raise ApiKeyError(message)
    wrong = [action for action in actions if not _ACTION.fullmatch(action)]
    if wrong:
        message = (
            f"{wrong[0]!r} is no action nor the beginning of one; write it as in Vendor.PO or Vendor.PO.Fetch"
        )
        raise ApiKeyError(message)
    text = generate()
    key = ApiKey.objects.create(
        public_id=text.public_id, secret_hash=hash_of(text.text), name=name, user_id=user_id, vendor_id=vendor_id,
        facility_id=facility_id, actions=list(actions), expires_at=expires_at, http_status_mode=http_status_mode,
        refuse_unknown_fields=refuse_unknown_fields,
    )  # fmt: skip
    record(
        actor=actor,
        action="api_key_created",
        subject=f"api_key:{key.pk}",
        data={
            "name": name,
            "user": user_id,
            "vendor": vendor_id,
            "facility": facility_id,
            "actions": list(actions),
        },
    )
    return NewApiKey(key.pk, text.text)
