"""Who changed what, where no ledger of its own tells it: settings, channels, rules, users, operators' commands."""

from django.contrib.postgres.functions import TransactionNow
from django.db import models


class AuditEntry(models.Model):
    """One change. Rows are only ever added."""

    at = models.DateTimeField(db_default=TransactionNow())
    actor = models.CharField(max_length=100)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=120, help_text="What was changed, as kind:id")
    data = models.JSONField(default=dict, db_default={})

    class Meta:
        indexes = [models.Index(fields=["subject", "id"], name="audit_subject")]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.actor} {self.action} {self.subject}"
