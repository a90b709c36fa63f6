"""Stock truth: levels, and the append-only ledger that explains them. Σ moves = level, always."""

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import F, Q


class FacilityGroup(models.Model):
    name = models.CharField(max_length=100, unique=True)

    def __str__(self) -> str:
        return self.name


class Facility(models.Model):
    """A place that holds our stock and ships it: a warehouse or a shop."""

    code = models.CharField(max_length=50, unique=True)
    name = models.CharField(max_length=200)
    enabled = models.BooleanField(
        default=True, db_default=True, help_text="Off: not published and not routed to"
    )
    priority = models.PositiveSmallIntegerField(default=100, db_default=100, help_text="Lower ships first")
    unit_cost = models.DecimalField(
        max_digits=10,
        decimal_places=4,
        default=0,
        db_default=0,
        help_text="Handling cost of a unit, for routing by cost",
    )
    safety_stock = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Units of each SKU never sold from here"
    )
    groups = models.ManyToManyField(FacilityGroup, blank=True, related_name="facilities")
    country = models.CharField(max_length=2, default="", db_default="", blank=True)
    time_zone = models.CharField(max_length=50, default="UTC", db_default="UTC")

    class Meta:
        verbose_name_plural = "facilities"

    def __str__(self) -> str:
        return self.code


class StockLevel(models.Model):
    """Units of a SKU at a facility. Demand beyond stock is never allocated, so the CHECK needs no exception."""

    facility = models.ForeignKey(Facility, on_delete=models.PROTECT)
    sku = models.ForeignKey("catalog.Sku", on_delete=models.PROTECT, related_name="levels")
    on_hand = models.IntegerField(default=0, db_default=0)
    allocated = models.IntegerField(default=0, db_default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["sku", "facility"], name="level_once"),
            models.CheckConstraint(
                condition=Q(allocated__gte=0, on_hand__gte=F("allocated")), name="level_within_stock"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku_id} at {self.facility_id}: {self.on_hand}"


class StockMove(models.Model):
    """One change of a level and its cause. Rows are only ever added."""

    class Kind(models.TextChoices):
        RECEIVE = "receive"
        ADJUST = "adjust"
        COUNT = "count"
        ALLOCATE = "allocate"
        RELEASE = "release"
        SHIP = "ship"
        RETURN = "return"
        TRANSFER_IN = "transfer_in"
        TRANSFER_OUT = "transfer_out"

    kind = models.CharField(max_length=12, choices=Kind.choices)
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, db_index=False)
    sku = models.ForeignKey("catalog.Sku", on_delete=models.PROTECT, db_index=False)
    d_on_hand = models.IntegerField("change of on hand", default=0, db_default=0)
    d_allocated = models.IntegerField("change of allocated", default=0, db_default=0)
    key = models.CharField(
        max_length=120, unique=True, help_text="Names the cause; the same cause moves stock once"
    )
    actor = models.CharField(max_length=100)
    reason = models.CharField(max_length=300, default="", db_default="", blank=True)
    shipment_item = models.ForeignKey(
        "fulfilment.ShipmentItem", null=True, on_delete=models.PROTECT, db_index=False
    )
    package = models.ForeignKey("fulfilment.Package", null=True, on_delete=models.PROTECT, db_index=False)
    return_item = models.ForeignKey("returns.ReturnItem", null=True, on_delete=models.PROTECT, db_index=False)
    po_item = models.ForeignKey("purchasing.PoItem", null=True, on_delete=models.PROTECT, db_index=False)
    at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        indexes = [models.Index(fields=["sku", "facility", "id"], name="move_of_level")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
