"""Which facility or vendor ships which line: the operators' rules, and each decision with its reason."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Q


class RoutingRule(models.Model):
    """Rules that fit an order are tried by position; each plans what the ones before it left open."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        ACTIVE = "active"
        ARCHIVED = "archived"

    class Sources(models.TextChoices):
        OWN_FIRST = "own_first", "own facilities, then vendors"
        CHEAPEST = "cheapest", "facilities and vendors by cost"
        OWN = "own", "own facilities only"
        VENDORS = "vendors", "vendors only"

    class Sort(models.TextChoices):
        PRIORITY = "priority", "by priority"
        MOST_STOCK = "most_stock", "most stock first"
        COST = "cost", "lowest cost first"

    class Split(models.TextChoices):
        NEVER = "never", "whole order from one source"
        BY_LINE = "by_line", "lines may part, a line stays whole"
        BY_UNIT = "by_unit", "lines may be split"

    name = models.CharField(max_length=100, unique=True)
    position = models.PositiveIntegerField(default=100)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    channels = models.ManyToManyField(
        "channels.Channel", blank=True, help_text="Orders of these channels; none chosen: all"
    )
    ship_service_codes = ArrayField(
        models.CharField(max_length=255), default=list, blank=True, help_text="None: all"
    )
    countries = ArrayField(
        models.CharField(max_length=255),
        default=list,
        blank=True,
        help_text="Ship-to countries as sent; none: all",
    )
    minimum_total = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    maximum_total = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    sources = models.CharField(max_length=10, choices=Sources.choices, default=Sources.OWN_FIRST)
    facility_groups = models.ManyToManyField(
        "stock.FacilityGroup", blank=True, help_text="None chosen: all facilities"
    )
    vendors = models.ManyToManyField("purchasing.Vendor", blank=True, help_text="None chosen: all vendors")
    sort = models.CharField(max_length=10, choices=Sort.choices, default=Sort.PRIORITY)
    split = models.CharField(max_length=10, choices=Split.choices, default=Split.BY_UNIT)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class RoutingDecision(models.Model):
    """What routing decided for a line: units to a source, or one reason why some stay open."""

    order_line = models.ForeignKey("orders.OrderLine", on_delete=models.CASCADE, related_name="decisions")
    rule = models.ForeignKey(RoutingRule, null=True, on_delete=models.SET_NULL, db_index=False)
    facility = models.ForeignKey("stock.Facility", null=True, on_delete=models.PROTECT, db_index=False)
    vendor = models.ForeignKey("purchasing.Vendor", null=True, on_delete=models.PROTECT, db_index=False)
    quantity = models.IntegerField()
    reason = models.CharField(max_length=40, default="", db_default="")
    at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(quantity__gte=1), name="decision_positive")]

    def __str__(self) -> str:
        return self.reason or f"{self.quantity} routed"
