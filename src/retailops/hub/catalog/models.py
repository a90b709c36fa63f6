"""What is sold: products, SKUs, their identifiers, kits, and where each SKU is listed."""

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import F, Q

from retailops.hub.db import money_field, money_is_finite


class Product(models.Model):
    """A thing as a shopper sees it; its SKUs are what is stocked and sold."""

    code = models.CharField(max_length=100, unique=True)
    name = models.CharField(max_length=300)
    description = models.TextField(default="", db_default="", blank=True)
    brand = models.CharField(max_length=100, default="", db_default="", blank=True)
    attributes = models.JSONField(default=dict, db_default={}, blank=True)
    created_at = models.DateTimeField(db_default=TransactionNow())
    updated_at = models.DateTimeField(db_default=TransactionNow())

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Sku(models.Model):
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="skus")
    code = models.CharField("SKU", max_length=100, unique=True)
    name = models.CharField(max_length=300, default="", db_default="", blank=True)
    price = money_field(default=0, db_default=0)
    currency = models.CharField(max_length=3, default="USD", db_default="USD")
    weight_kg = models.DecimalField(max_digits=10, decimal_places=4, null=True, blank=True)
    kit = models.BooleanField(
        default=False, db_default=False, help_text="Made of other SKUs; has no stock of its own"
    )
    backorder = models.BooleanField(
        default=False, db_default=False, help_text="May be sold beyond stock; still ships only from stock"
    )
    active = models.BooleanField(default=True, db_default=True)
    attributes = models.JSONField(default=dict, db_default={}, blank=True)
    updated_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        verbose_name = "SKU"
        verbose_name_plural = "SKUs"
        constraints = [models.CheckConstraint(condition=money_is_finite("price"), name="sku_price_finite")]

    def __str__(self) -> str:
        return self.code


class KitComponent(models.Model):
    kit = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="components")
    component = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="in_kits")
    quantity = models.PositiveIntegerField(help_text="Units of the component in one kit")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kit", "component"], name="kit_component_once"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="kit_quantity_positive"),
            models.CheckConstraint(condition=~Q(kit=F("component")), name="kit_not_of_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.component_id} in {self.kit_id}"


class SkuIdentifier(models.Model):
    class Kind(models.TextChoices):
        UPC = "upc", "UPC"
        EAN = "ean", "EAN"
        GTIN = "gtin", "GTIN"
        ISBN = "isbn", "ISBN"
        ASIN = "asin", "ASIN"
        MPN = "mpn", "MPN"
        ALIAS = "alias", "alias SKU"

    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="identifiers")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.CharField(max_length=100)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "value"], name="sku_identifier_unique")]

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class Listing(models.Model):
    """A SKU on a channel: what may be published there, and what was."""

    class PushState(models.TextChoices):
        PENDING = "pending"
        PUSHED = "pushed"
        ERROR = "error"

    channel = models.ForeignKey("channels.Channel", on_delete=models.CASCADE, related_name="listings")
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="listings")
    enabled = models.BooleanField(default=True, db_default=True)
    buffer = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Units held back from this channel"
    )
    max_published = models.PositiveIntegerField(
        null=True, blank=True, help_text="Never show more than this; empty: no maximum"
    )
    published_quantity = models.PositiveIntegerField(null=True, blank=True, editable=False)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    push_state = models.CharField(
        max_length=10, choices=PushState.choices, default=PushState.PENDING, db_default="pending"
    )
    push_message = models.CharField(max_length=500, default="", db_default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "sku"], name="listing_once")]

    def __str__(self) -> str:
        return f"{self.sku} on {self.channel}"
