"""What the customer wants: orders, their lines with the quantity counters, holds and history."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper

from retailops.hub.db import money_field, money_is_finite


class Order(models.Model):
    class Status(models.TextChoices):
        """Derived from counters and facts by `rules.derive_status`; stored by `operations.recompute_orders` alone."""

        CHANNEL_INCOMPLETE = "channel_incomplete", "channel incomplete"
        RECEIVED = "received"
        READY = "ready"
        BACKORDERED = "backordered"
        PARTIALLY_ROUTED = "partially_routed", "partially routed"
        RELEASED = "released"
        PARTIALLY_SHIPPED = "partially_shipped", "partially shipped"
        SHIPPED = "shipped"
        ON_HOLD = "on_hold", "on hold"
        COMPLETED = "completed"
        CANCELLED = "cancelled"

    channel = models.ForeignKey("channels.Channel", on_delete=models.PROTECT, db_index=False)
    channel_refnum = models.CharField(
        max_length=255, help_text="The channel's name for the order, in all later calls"
    )
    status = models.CharField(
        max_length=20, choices=Status.choices, default=Status.RECEIVED, db_default="received"
    )
    currency = models.CharField(max_length=3)
    ship_service_code = models.CharField(max_length=255, default="", db_default="", blank=True)
    gift_message = models.TextField(default="", db_default="", blank=True)
    ip_address = models.CharField(max_length=100, default="", db_default="", blank=True)
    shipping_amt = money_field(default=0, db_default=0)
    tax_amt = money_field(default=0, db_default=0)
    discount_amt = money_field(default=0, db_default=0)
    grand_total = money_field(default=0, db_default=0)
    attributes = models.JSONField(default=list, db_default=[], blank=True)
    tags = ArrayField(models.CharField(max_length=255), default=list, db_default=[], blank=True)
    content_hash = models.CharField(max_length=64, help_text="Of the order as the channel last sent it")
    channel_created_at = models.DateTimeField(null=True)
    imported_at = models.DateTimeField(db_default=TransactionNow())
    updated_at = models.DateTimeField(db_default=TransactionNow())
    acknowledged_at = models.DateTimeField(null=True)
    routing_due_at = models.DateTimeField(
        null=True, help_text="When routing should look at it next; empty: nothing to route"
    )
    routed_at = models.DateTimeField(null=True, help_text="When routing last looked at it")
    cancelled_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    channel_incomplete = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "channel_refnum"], name="order_once_per_channel"),
            models.CheckConstraint(
                condition=money_is_finite("shipping_amt", "tax_amt", "discount_amt", "grand_total"),
                name="order_money_finite",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="order_status"),
            models.Index(
                fields=["routing_due_at"], name="order_routing_due", condition=Q(routing_due_at__isnull=False)
            ),
            models.Index(fields=["updated_at", "id"], name="order_updated"),
            models.Index(fields=["channel_refnum"], name="order_refnum"),
        ]

    def __str__(self) -> str:
        return self.channel_refnum


class OrderLine(models.Model):
    """ordered = open + planned + shipped + cancelled, all ≥ 0; returned ≤ shipped.

    `operations.count_lines` is the one writer of the counters. Advisory and in-store lines are born shipped.
    """

    class ItemType(models.TextChoices):
        SHIP = "ship"
        ADVISORY = "advisory"
        INSTORE = "instore", "in store"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.PositiveIntegerField()
    channel_item_refnum = models.CharField(max_length=255, default="", db_default="", blank=True)
    item_type = models.CharField(
        max_length=10, choices=ItemType.choices, default=ItemType.SHIP, db_default="ship"
    )
    sku = models.ForeignKey("catalog.Sku", null=True, on_delete=models.PROTECT, db_index=False)
    sku_code = models.CharField("SKU as sent", max_length=255)
    description = models.TextField(default="", db_default="", blank=True)
    ordered = models.IntegerField()
    planned = models.IntegerField(default=0, db_default=0)
    shipped = models.IntegerField(default=0, db_default=0)
    cancelled = models.IntegerField(default=0, db_default=0)
    returned = models.IntegerField(default=0, db_default=0)
    open = models.GeneratedField(
        expression=F("ordered") - F("planned") - F("shipped") - F("cancelled"),
        output_field=models.IntegerField(),
        db_persist=True,
    )
    unit_price = money_field(default=0, db_default=0)
    discount_amt = money_field(default=0, db_default=0, help_text="For the whole line")
    tax_amt = money_field(default=0, db_default=0, help_text="For the whole line")
    shipping_amt = money_field(default=0, db_default=0, help_text="For the whole line, with its tax")
    recycling_amt = money_field(default=0, db_default=0, help_text="For the whole line")
    currency_values = models.JSONField(default=dict, db_default={}, help_text="As the channel sent them")
    options = models.JSONField(default=list, db_default=[], blank=True)
    attributes = models.JSONField(default=list, db_default=[], blank=True)
    estimated_ship_date = models.DateTimeField(null=True)
    routing_reason = models.CharField(
        max_length=40, default="", db_default="", blank=True, help_text="Why open units aren't routed"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="line_position_once"),
            models.UniqueConstraint(
                fields=["order", "channel_item_refnum"],
                condition=~Q(channel_item_refnum=""),
                name="line_refnum_once",
            ),
            models.CheckConstraint(
                condition=Q(ordered__gte=F("planned") + F("shipped") + F("cancelled"))
                & Q(ordered__gte=0, planned__gte=0, shipped__gte=0, cancelled__gte=0, returned__gte=0),
                name="line_quantities",
            ),
            models.CheckConstraint(condition=Q(returned__lte=F("shipped")), name="line_returned_was_shipped"),
            models.CheckConstraint(
                condition=money_is_finite(
                    "unit_price", "discount_amt", "tax_amt", "shipping_amt", "recycling_amt"
                ),
                name="line_money_finite",
            ),
        ]
        indexes = [
            models.Index(fields=["sku", "order"], name="line_open_demand", condition=Q(open__gt=0)),
            models.Index(fields=["sku", "order"], name="line_sku"),
            models.Index(fields=["sku_code"], name="line_unknown_sku", condition=Q(sku__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.ordered} × {self.sku_code}"


class OrderAddress(models.Model):
    """Personal data, kept apart from the order so that it can be erased alone."""

    class Kind(models.TextChoices):
        BILLING = "billing"
        SHIPPING = "shipping"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="addresses", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    first_name = models.CharField(max_length=255, default="", db_default="", blank=True)
    last_name = models.CharField(max_length=255, default="", db_default="", blank=True)
    company = models.CharField(max_length=255, default="", db_default="", blank=True)
    address1 = models.CharField(max_length=255, default="", db_default="", blank=True)
    address2 = models.CharField(max_length=255, default="", db_default="", blank=True)
    city = models.CharField(max_length=255, default="", db_default="", blank=True)
    state = models.CharField(max_length=255, default="", db_default="", blank=True)
    postal_code = models.CharField(max_length=50, default="", db_default="", blank=True)
    country = models.CharField(max_length=255, default="", db_default="", blank=True)
    phone_number = models.CharField(max_length=100, default="", db_default="", blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "kind"], name="address_once")]
        verbose_name_plural = "order addresses"

    def __str__(self) -> str:
        return f"{self.kind} {self.city} {self.country}"


class OrderCustomer(models.Model):
    """Personal data of the buyer."""

    order = models.OneToOneField(Order, on_delete=models.CASCADE, related_name="customer", primary_key=True)
    full_name = models.CharField(max_length=255, default="", db_default="", blank=True)
    email_address = models.CharField(max_length=255, default="", db_default="", blank=True)
    phone_number = models.CharField(max_length=100, default="", db_default="", blank=True)

    class Meta:
        indexes = [models.Index(OpClass(Upper("full_name"), "varchar_pattern_ops"), name="customer_name")]

    def __str__(self) -> str:
        return self.full_name


class OrderHold(models.Model):
    """Something that keeps the order from being routed, until someone or something releases it."""

    class Kind(models.TextChoices):
        UNKNOWN_SKU = "unknown_sku", "unknown SKU"
        ADDRESS = "address"
        PAYMENT = "payment"
        CHANGED_AT_CHANNEL = "changed_at_channel", "changed at the channel"
        CONTRACT = "contract", "breaks the contract"
        OPERATOR = "operator"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="holds", db_index=False)
    kind = models.CharField(max_length=20, choices=Kind.choices)
    reason = models.CharField(max_length=500)
    placed_by = models.CharField(max_length=100)
    placed_at = models.DateTimeField(db_default=TransactionNow())
    released_by = models.CharField(max_length=100, default="", db_default="", blank=True)
    released_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["order", "kind"], condition=Q(released_at__isnull=True), name="hold_open_once"
            )
        ]
        indexes = [
            models.Index(fields=["order"], name="hold_order"),
            models.Index(fields=["kind", "order"], name="hold_open", condition=Q(released_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.reason}"


class OrderEvent(models.Model):
    """The order's history, for people. Rows are only ever added."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="events", db_index=False)
    kind = models.CharField(max_length=40)
    at = models.DateTimeField(db_default=TransactionNow())
    actor = models.CharField(max_length=100)
    data = models.JSONField(default=dict, db_default={})

    class Meta:
        indexes = [models.Index(fields=["order", "id"], name="event_order")]

    def __str__(self) -> str:
        return self.kind
