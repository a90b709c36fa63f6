"""Goods that come back: the RMA, what was received, and the money given back for it."""

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Q

from retailops.hub.db import money_field, money_is_finite


class Return(models.Model):
    class State(models.TextChoices):
        AUTHORIZED = "authorized"
        CLOSED = "closed"
        CANCELLED = "cancelled"

    class RefundAction(models.TextChoices):
        REFUND = "refund"
        STORE_CREDIT = "storecredit", "store credit"
        NONE = "none", "no money back"

    rma = models.CharField("RMA", max_length=60, unique=True)
    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="returns")
    facility = models.ForeignKey(
        "stock.Facility", on_delete=models.PROTECT, help_text="Where the goods come back to"
    )
    state = models.CharField(
        max_length=10, choices=State.choices, default=State.AUTHORIZED, db_default="authorized"
    )
    refund_action = models.CharField(
        max_length=12, choices=RefundAction.choices, default=RefundAction.REFUND, db_default="refund"
    )
    product_amt = money_field(default=0, db_default=0)
    discount_amt = money_field(default=0, db_default=0)
    tax_amt = money_field(default=0, db_default=0)
    shipping_amt = money_field(default=0, db_default=0)
    refund_amt = money_field(default=0, db_default=0)
    created_at = models.DateTimeField(db_default=TransactionNow())
    closed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "return"
        constraints = [
            models.CheckConstraint(
                condition=money_is_finite(
                    "product_amt", "discount_amt", "tax_amt", "shipping_amt", "refund_amt"
                ),
                name="return_money_finite",
            )
        ]

    def __str__(self) -> str:
        return self.rma


class ReturnItem(models.Model):
    class Disposition(models.TextChoices):
        RESTOCK = "restock"
        DISCARD = "discard"

    return_record = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="items")
    order_line = models.ForeignKey("orders.OrderLine", on_delete=models.PROTECT, related_name="return_items")
    quantity = models.IntegerField()
    reason = models.CharField(max_length=255, default="", db_default="", blank=True)
    disposition = models.CharField(
        max_length=10, choices=Disposition.choices, default=Disposition.RESTOCK, db_default="restock"
    )
    product_amt = money_field(default=0, db_default=0)
    discount_amt = money_field(default=0, db_default=0)
    tax_amt = money_field(default=0, db_default=0)
    shipping_amt = money_field(default=0, db_default=0)
    credit_amt = money_field(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["return_record", "order_line"], name="return_line_once"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="return_quantity_positive"),
            models.CheckConstraint(
                condition=money_is_finite(
                    "product_amt", "discount_amt", "tax_amt", "shipping_amt", "credit_amt"
                ),
                name="return_item_money_finite",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.order_line_id}"
