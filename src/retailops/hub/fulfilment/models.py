"""How an order is fulfilled: shipments (portions of the routing plan), what is allocated to them, and packages (the physical fact)."""

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import F, Q


class Shipment(models.Model):
    """One portion of the routing plan: what one facility, or one vendor, ships of one order."""

    class State(models.TextChoices):
        RELEASED = "released"
        PARTIALLY_SHIPPED = "partially_shipped", "partially shipped"
        SHIPPED = "shipped"
        CANCELLED = "cancelled"

    order = models.ForeignKey("orders.Order", on_delete=models.PROTECT, related_name="shipments")
    facility = models.ForeignKey("stock.Facility", null=True, on_delete=models.PROTECT, db_index=False)
    vendor = models.ForeignKey("purchasing.Vendor", null=True, on_delete=models.PROTECT, db_index=False)
    state = models.CharField(
        max_length=20, choices=State.choices, default=State.RELEASED, db_default="released"
    )
    created_at = models.DateTimeField(db_default=TransactionNow())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(facility__isnull=True, vendor__isnull=False)
                | Q(facility__isnull=False, vendor__isnull=True),
                name="shipment_one_source",
            )
        ]
        indexes = [
            models.Index(fields=["facility", "state", "id"], name="shipment_facility"),
            models.Index(fields=["vendor", "state", "id"], name="shipment_vendor"),
        ]

    def __str__(self) -> str:
        return f"shipment {self.pk}"


class ShipmentItem(models.Model):
    """quantity = still planned + shipped + cancelled."""

    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="items")
    order_line = models.ForeignKey(
        "orders.OrderLine", on_delete=models.PROTECT, related_name="shipment_items"
    )
    quantity = models.IntegerField()
    shipped = models.IntegerField(default=0, db_default=0)
    cancelled = models.IntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shipment", "order_line"], name="shipment_line_once"),
            models.CheckConstraint(
                condition=Q(quantity__gte=1, shipped__gte=0, cancelled__gte=0)
                & Q(quantity__gte=F("shipped") + F("cancelled")),
                name="shipment_item_quantities",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of line {self.order_line_id}"


class Allocation(models.Model):
    """Units of a SKU set aside at a facility for a shipment item: one row, or one for each component of a kit.

    Σ quantity over a (facility, SKU) is that level's `allocated`. Kits keep the composition they were routed with.
    """

    shipment_item = models.ForeignKey(
        ShipmentItem, on_delete=models.PROTECT, related_name="allocations", db_index=False
    )
    facility = models.ForeignKey("stock.Facility", on_delete=models.PROTECT, db_index=False)
    sku = models.ForeignKey("catalog.Sku", on_delete=models.PROTECT, db_index=False)
    per_unit = models.PositiveIntegerField(
        default=1, db_default=1, help_text="Units of the SKU in one unit of the item"
    )
    quantity = models.IntegerField(help_text="Units still set aside")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shipment_item", "sku"], name="allocation_once"),
            models.CheckConstraint(condition=Q(quantity__gte=0), name="allocation_not_negative"),
        ]
        indexes = [
            models.Index(fields=["sku", "facility"], name="allocation_live", condition=Q(quantity__gt=0))
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku_id}"


class Package(models.Model):
    """What left the building. Never changed after it was recorded."""

    shipment = models.ForeignKey(Shipment, on_delete=models.PROTECT, related_name="packages")
    key = models.CharField(
        max_length=120, unique=True, help_text="The sender's name for it; the same package counts once"
    )
    carrier_name = models.CharField(max_length=100, default="", db_default="", blank=True)
    carrier_class_name = models.CharField(max_length=100, default="", db_default="", blank=True)
    tracking_number = models.CharField(max_length=100, default="", db_default="", blank=True)
    weight_kg = models.DecimalField(max_digits=10, decimal_places=4, null=True)
    shipped_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        indexes = [
            models.Index(fields=["tracking_number"], name="package_tracking"),
            models.Index(fields=["shipped_at"], name="package_shipped"),
        ]

    def __str__(self) -> str:
        return self.tracking_number or self.key


class PackageItem(models.Model):
    package = models.ForeignKey(Package, on_delete=models.PROTECT, related_name="items", db_index=False)
    shipment_item = models.ForeignKey(ShipmentItem, on_delete=models.PROTECT, related_name="package_items")
    quantity = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["package", "shipment_item"], name="package_item_once"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="package_item_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of shipment item {self.shipment_item_id}"


class SourceExclusion(models.Model):
    """A facility or vendor that refused a line; routing doesn't ask it again for that line."""

    order_line = models.ForeignKey(
        "orders.OrderLine", on_delete=models.CASCADE, related_name="exclusions", db_index=False
    )
    facility = models.ForeignKey("stock.Facility", null=True, on_delete=models.CASCADE, db_index=False)
    vendor = models.ForeignKey("purchasing.Vendor", null=True, on_delete=models.CASCADE, db_index=False)
    reason = models.CharField(max_length=200)
    at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order_line", "facility", "vendor"], name="exclusion_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return self.reason
