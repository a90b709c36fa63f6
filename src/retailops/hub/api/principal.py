"""Who is calling, and what that key may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import structlog
from django.http import HttpRequest

from retailops.hub.accounts.queries import KeyOwner, find_key
from retailops.hub.api.errors import ApiError

#: Width of the ledgers' actor columns.
MAX_ACTOR: Final = 100

log = structlog.get_logger(__name__)


class Scope(StrEnum):
    """Whose keys may call an action. Operators' keys may call every action."""

    OPERATOR = "operator"
    VENDOR = "vendor"
    FACILITY = "facility"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class ScopedVendor:
    """The vendor that a key, or a record, is for."""

    id: int
    name: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class ScopedFacility:
    """The facility that a key, or a record, is for."""

    id: int
    code: str


@dataclass(frozen=True, slots=True)
class Principal:
    """The key's powers. With neither `vendor` nor `facility` it is an operator's."""

    actor: str
    vendor: ScopedVendor | None = None
    facility: ScopedFacility | None = None
    allowed: tuple[str, ...] = ()
    strict_status: bool = False
    refuse_unknown_fields: bool = False

    @property
    def scope(self) -> Scope:
        """The kind of key."""
        if self.vendor:
            return Scope.VENDOR
        return Scope.FACILITY if self.facility else Scope.OPERATOR

    def demand(self, action: str, scope: Scope) -> None:
        """Raise `ApiError` ACTION_FORBIDDEN unless the key may call the action (full name) of that scope."""
        if self.scope is not Scope.OPERATOR and scope not in (self.scope, Scope.ANY):
            raise ApiError("ACTION_FORBIDDEN", f"{action} can't be called with a {self.scope} key")
        name = f"{action}.".lower()
        if self.allowed and not any(name.startswith(f"{prefix}.".lower()) for prefix in self.allowed):
            raise ApiError(
                "ACTION_FORBIDDEN", f"this key may not call {action}; ask the retailer for a key that may"
            )


def authenticate(request: HttpRequest) -> Principal:
    """Return who is calling, by the header `apikey`.

    Raises `ApiError`: MISSING_APIKEY, or INVALID_APIKEY for unknown, revoked and expired keys alike; only the log
    tells them apart.
    """
    if any(name.lower() == "apikey" for name in request.GET):
        raise ApiError(
            "MISSING_APIKEY",
            "send the API key in the header apikey, never in the address, where logs keep it; have this key replaced",
        )
    text = request.headers.get("apikey", "")
    if not text:
        raise ApiError("MISSING_APIKEY", "send your API key in the header apikey")
    owner = find_key(text)
    if owner is None or owner.refusal:
        log.warning(
            "api.key_refused", key=owner.id if owner else None, reason=owner.refusal if owner else "unknown"
        )
        raise ApiError("INVALID_APIKEY", "this API key is not in force; ask the retailer for a new one")
    return _principal(owner)


def _principal(owner: KeyOwner) -> Principal:
    vendor = facility = None
    actor = f"user:{owner.username}"
    if owner.vendor_id is not None:
        vendor = ScopedVendor(owner.vendor_id, owner.vendor_name or "", bool(owner.vendor_enabled))
        actor = f"vendor:{owner.vendor_code}"
    if owner.facility_id is not None:
        facility = ScopedFacility(owner.facility_id, owner.facility_code or "")
        actor = f"facility:{owner.facility_code}"
    return Principal(
        actor=actor[:MAX_ACTOR],
        vendor=vendor,
        facility=facility,
        allowed=owner.actions,
        strict_status=owner.http_status_mode == "strict",
        refuse_unknown_fields=owner.refuse_unknown_fields,
    )
