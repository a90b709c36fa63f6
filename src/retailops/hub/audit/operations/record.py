"""Write down who changed what."""

from __future__ import annotations

from collections.abc import Mapping

from retailops.hub.audit.models import AuditEntry


def record(*, actor: str, action: str, subject: str, data: Mapping[str, object]) -> None:
    """Add an audit entry in the current transaction, so that rolled-back work leaves none."""
    AuditEntry.objects.create(actor=actor, action=action, subject=subject, data=dict(data))
