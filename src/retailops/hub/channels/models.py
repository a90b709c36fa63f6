"""Channel accounts and what we know of each: feeds' cursors, ship codes, templates, broken rules."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.db import models

from retailops.hub.secrets import EncryptedTextField


class Channel(models.Model):
    """A sales channel that implements the contract. Its pause, breaker and rate limit are its queue's."""

    class SettleOn(models.TextChoices):
        SHIP = "ship", "each shipment"
        COMPLETE = "complete", "completion"
        NEVER = "never", "never: the channel captures by itself"

    code = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=200)
    base_url = models.URLField(max_length=500, help_text="We call BASE_URL/order_pull_v1 and so on")
    auth_key = EncryptedTextField(help_text="Sent as integration_auth_token")
    queue = models.OneToOneField("tasks.Queue", on_delete=models.PROTECT, editable=False)
    capabilities = ArrayField(
        models.CharField(max_length=40),
        default=list,
        help_text="Interactions the channel implements; others are never called",
    )
    settle_on = models.CharField(max_length=10, choices=SettleOn.choices, default=SettleOn.SHIP)
    pull_every_seconds = models.PositiveIntegerField(default=60)
    facilities = models.ManyToManyField(
        "stock.Facility", blank=True, help_text="Stock published here; none chosen: all"
    )
    use_vendor_stock = models.BooleanField(default=True)
    use_inflight_stock = models.BooleanField(
        default=False, help_text="Publish what is on its way on reorder POs"
    )
    sku_fanout = models.CharField(
        max_length=20, default="no_fanout", db_default="no_fanout", help_text="Last catalog_get_config"
    )
    feed_template = models.ForeignKey(
        "channels.FeedTemplate", null=True, blank=True, on_delete=models.PROTECT
    )
    created_at = models.DateTimeField(db_default=TransactionNow())

    def __str__(self) -> str:
        return self.code


class FeedTemplate(models.Model):
    """A JSON-e template that turns a product with its SKUs into a channel's feed."""

    name = models.CharField(max_length=100, unique=True)
    template = models.JSONField()

    def __str__(self) -> str:
        return self.name


class ChannelCursor(models.Model):
    """Where the order pull stands. A walk is one run from a blank token to the last page."""

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, primary_key=True)
    page_token = models.TextField(default="", db_default="")
    walk_tokens = ArrayField(
        models.TextField(),
        default=list,
        db_default=[],
        help_text="Hashes of this walk's tokens, to see a loop",
    )
    walk_started_at = models.DateTimeField(null=True)
    walk_finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"cursor of {self.channel_id}"


class ShipCode(models.Model):
    """The channel's own code for a carrier and class."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="ship_codes")
    carrier_name = models.CharField(max_length=100)
    carrier_class_name = models.CharField(
        max_length=100, default="", db_default="", blank=True, help_text="Empty: any class"
    )
    code = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "carrier_name", "carrier_class_name"], name="ship_code_once"
            )
        ]

    def __str__(self) -> str:
        return self.code


class ContractViolation(models.Model):
    """A rule of the contract that a channel's reply broke; counted, not repeated."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_index=False)
    interaction = models.CharField(max_length=40)
    path = models.CharField(max_length=200)
    message = models.CharField(max_length=300)
    excerpt = models.CharField(max_length=200, default="", db_default="")
    count = models.PositiveIntegerField(default=1, db_default=1)
    first_seen_at = models.DateTimeField(db_default=TransactionNow())
    last_seen_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "interaction", "path", "message"], name="violation_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class RejectedOrder(models.Model):
    """An order a channel offered that could not be imported, and why. Never acknowledged, so it is offered again."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, db_index=False)
    channel_refnum = models.CharField(max_length=255)
    reason = models.TextField()
    count = models.PositiveIntegerField(default=1, db_default=1)
    first_seen_at = models.DateTimeField(db_default=TransactionNow())
    last_seen_at = models.DateTimeField(db_default=TransactionNow())
    imported_at = models.DateTimeField(null=True, help_text="When a later pull brought it in after all")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["channel", "channel_refnum"], name="rejected_once")]

    def __str__(self) -> str:
        return self.channel_refnum
