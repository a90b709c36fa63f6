"""People who use the console, and the API keys that programs use in their name."""

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class User(AbstractUser):
    """An operator. A model of our own from the start, because a project can't change its user model later."""


class ApiKey(models.Model):
    """A key to the RetailOps API: one vendor's, one facility's, or, with neither, an operator's.

    The key itself is shown once, when it is created; only its hash is kept. `public_id` tells keys apart.
    """

    class HttpStatusMode(models.TextChoices):
        COMPAT = "compat", "business failures are answered with 200"
        STRICT = "strict", "business failures are answered with 404, 409 or 422"

    public_id = models.CharField(max_length=12, unique=True)
    secret_hash = models.BinaryField(max_length=32)
    name = models.CharField(max_length=100, help_text="What uses it, for people")
    user = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="api_keys", help_text="Who answers for it"
    )
    vendor = models.ForeignKey("purchasing.Vendor", null=True, blank=True, on_delete=models.PROTECT)
    facility = models.ForeignKey("stock.Facility", null=True, blank=True, on_delete=models.PROTECT)
    actions = ArrayField(
        models.CharField(max_length=100),
        default=list,
        db_default=[],
        blank=True,
        help_text="Allowed actions, or the beginnings of their names, such as Vendor.PO; none: all that the key's scope allows",
    )
    http_status_mode = models.CharField(
        max_length=6, choices=HttpStatusMode.choices, default=HttpStatusMode.COMPAT, db_default="compat"
    )
    refuse_unknown_fields = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Fields an action doesn't know are errors; otherwise warnings",
    )
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False, help_text="To the minute")

    class Meta:
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                condition=Q(vendor__isnull=True) | Q(facility__isnull=True), name="api_key_one_scope"
            )
        ]

    def __str__(self) -> str:
        return f"ro_live_{self.public_id}_…"
