"""Money of an order: what the channel authorised, captured and refunded, and each transaction behind it."""

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import F, Q

from retailops.hub.db import money_field, money_is_finite


class Payment(models.Model):
    """The sums of an order's transactions. `operations.record_transactions` is the one writer."""

    order = models.OneToOneField(
        "orders.Order", on_delete=models.CASCADE, related_name="payment", primary_key=True
    )
    currency = models.CharField(max_length=3)
    authorized = money_field(default=0, db_default=0)
    captured = money_field(default=0, db_default=0)
    refunded = money_field(default=0, db_default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=money_is_finite("authorized", "captured", "refunded"), name="payment_finite"
            ),
            models.CheckConstraint(
                condition=Q(refunded__lte=F("captured")), name="payment_refund_was_captured"
            ),
            models.CheckConstraint(
                condition=Q(captured__lte=F("authorized")), name="payment_capture_was_authorized"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.captured} {self.currency} captured"


class PaymentTransaction(models.Model):
    class Kind(models.TextChoices):
        """An auth raises what may be captured; a charge authorises and captures at once."""

        AUTH = "auth"
        CHARGE = "charge"
        CAPTURE = "capture"
        REFUND = "refund"

    class State(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    order = models.ForeignKey(
        "orders.Order", on_delete=models.CASCADE, related_name="transactions", db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.PENDING, db_default="pending"
    )
    amount = money_field()
    currency = models.CharField(max_length=3)
    payment_type = models.CharField(max_length=255, default="", db_default="", blank=True)
    processing_type = models.CharField(max_length=50, default="", db_default="", blank=True)
    refnum = models.CharField(max_length=255, default="", db_default="", blank=True)
    message = models.CharField(max_length=500, default="", db_default="", blank=True)
    key = models.CharField(
        max_length=120, unique=True, help_text="Names the cause, so that one cause moves money once"
    )
    created_at = models.DateTimeField(db_default=TransactionNow())
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=money_is_finite("amount"), name="transaction_finite")]
        indexes = [models.Index(fields=["order", "id"], name="transaction_order")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency} {self.state}"
