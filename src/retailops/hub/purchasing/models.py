"""Vendors, what they advise about their stock, and purchase orders."""

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import F, Q

from retailops.hub.db import money_field, money_is_finite


class Vendor(models.Model):
    class DecrementOn(models.TextChoices):
        """When the vendor's own system takes our order out of the number it advises."""

        SUBMITTED = "submitted"
        ACCEPTED = "accepted"
        SHIPPED = "shipped"

    code = models.CharField(max_length=50, unique=True)
    name = models.CharField(max_length=200)
    enabled = models.BooleanField(default=True, db_default=True)
    priority = models.PositiveSmallIntegerField(default=100, db_default=100, help_text="Lower ships first")
    change_after_submit = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Submitted POs may still change until the vendor accepts them",
    )
    decrement_on = models.CharField(
        max_length=10, choices=DecrementOn.choices, default=DecrementOn.SUBMITTED, db_default="submitted"
    )
    feed_latency_seconds = models.PositiveIntegerField(
        default=600,
        db_default=600,
        help_text="Advice may be this much older than it says (clock skew and feed delay)",
    )
    fresh_hours = models.PositiveIntegerField(
        default=24, db_default=24, help_text="Advice counts in full this long"
    )
    expiry_hours = models.PositiveIntegerField(
        default=72, db_default=72, help_text="Advice counts for nothing after this"
    )
    buffer = models.PositiveIntegerField(default=0, db_default=0, help_text="Units of each VPC never sold")
    reroute_remainder = models.BooleanField(
        default=True,
        db_default=True,
        help_text="What a vendor doesn't ship goes back to routing; off: it is cancelled",
    )
    created_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(expiry_hours__gte=F("fresh_hours")), name="vendor_expiry_after_fresh"
            )
        ]

    def __str__(self) -> str:
        return self.code


class VendorSku(models.Model):
    """A vendor's product code (VPC), the SKU it stands for, and the vendor's last advice of its quantity."""

    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, related_name="skus", db_index=False)
    vpc = models.CharField("VPC", max_length=100)
    sku = models.ForeignKey("catalog.Sku", on_delete=models.PROTECT, related_name="vendor_skus")
    active = models.BooleanField(default=True, db_default=True)
    cost = money_field(default=0, db_default=0)
    currency = models.CharField(max_length=3, default="USD", db_default="USD")
    lead_time_days = models.PositiveSmallIntegerField(default=0, db_default=0)
    advised_quantity = models.IntegerField(null=True, blank=True)
    advised_at = models.DateTimeField(null=True, blank=True, help_text="When the vendor took the number")

    class Meta:
        verbose_name = "vendor SKU"
        constraints = [
            models.UniqueConstraint(fields=["vendor", "vpc"], name="vpc_once_per_vendor"),
            models.UniqueConstraint(fields=["vendor", "sku"], name="vendor_sku_once"),
            models.CheckConstraint(condition=Q(advised_quantity__gte=0), name="advice_not_negative"),
            models.CheckConstraint(condition=money_is_finite("cost"), name="vendor_cost_finite"),
        ]

    def __str__(self) -> str:
        return self.vpc


class PurchaseOrder(models.Model):
    class Kind(models.TextChoices):
        DROPSHIP = "dropship"
        REORDER = "reorder"

    class State(models.TextChoices):
        READY = "ready"
        SUBMITTED = "submitted"
        ACCEPTED = "accepted"
        COMPLETE = "complete"
        CANCELLED = "cancelled"

    number = models.CharField(max_length=50, unique=True)
    vendor = models.ForeignKey(Vendor, on_delete=models.PROTECT, db_index=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.READY, db_default="ready")
    order = models.ForeignKey(
        "orders.Order", null=True, blank=True, on_delete=models.PROTECT, related_name="purchase_orders"
    )
    facility = models.ForeignKey(
        "stock.Facility",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        help_text="Where a reorder is received",
    )
    currency = models.CharField(max_length=3, default="USD", db_default="USD")
    version = models.PositiveIntegerField(default=1, db_default=1)
    created_at = models.DateTimeField(db_default=TransactionNow())
    date_submit = models.DateTimeField(
        db_default=TransactionNow(), help_text="Not to be worked on by the vendor before"
    )
    submitted_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    estimated_ship_date = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(kind="dropship") & Q(order__isnull=False) & Q(facility__isnull=True))
                | (Q(kind="reorder") & Q(order__isnull=True) & Q(facility__isnull=False)),
                name="po_destination",
            )
        ]
        indexes = [models.Index(fields=["vendor", "state", "date_submit", "id"], name="po_fetch")]

    def __str__(self) -> str:
        return self.number


class PoItem(models.Model):
    """quantity = open + shipped + cancelled. A dropship item stands for exactly one shipment item.

    `decremented_at` is when the vendor's own stock figure began to leave these units out (see `Vendor.decrement_on`).
    """

    po = models.ForeignKey(PurchaseOrder, on_delete=models.CASCADE, related_name="items")
    vendor_sku = models.ForeignKey(VendorSku, on_delete=models.PROTECT, db_index=False)
    shipment_item = models.OneToOneField(
        "fulfilment.ShipmentItem", null=True, on_delete=models.PROTECT, related_name="po_item"
    )
    quantity = models.IntegerField()
    shipped = models.IntegerField(default=0, db_default=0, help_text="By the vendor; received, on a reorder")
    cancelled = models.IntegerField(default=0, db_default=0)
    unit_cost = money_field(default=0, db_default=0)
    decremented_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "PO item"
        constraints = [
            models.CheckConstraint(
                condition=Q(quantity__gte=1, shipped__gte=0, cancelled__gte=0)
                & Q(quantity__gte=F("shipped") + F("cancelled")),
                name="po_item_quantities",
            ),
            models.CheckConstraint(condition=money_is_finite("unit_cost"), name="po_item_cost_finite"),
        ]
        indexes = [models.Index(fields=["vendor_sku", "decremented_at"], name="po_item_netting")]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.vendor_sku_id}"
