"""Orders in the console."""

from collections.abc import Sequence

from django.contrib.admin import action, register
from django.contrib.messages import success
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse

from retailops.hub.console import formats
from retailops.hub.console.admin_base import Card, Fact, RecordAdmin, column
from retailops.hub.console.order_actions import OPERATE, order_actions
from retailops.hub.console.order_search import find_orders
from retailops.hub.console.order_tables import order_tables
from retailops.hub.console.pages import Action, Table, actor_of, allowed
from retailops.hub.console.site import site
from retailops.hub.orders.models import Order, OrderHold, OrderLine
from retailops.hub.orders.operations.hold_orders import place_holds, release_holds

SEE_PEOPLE = "orders.view_orderaddress"


@register(Order, site=site)
class OrderAdmin(RecordAdmin[Order]):
    """What customers want; newest first."""

    keyset = "-id"
    list_display = ("number", "channel_name", "status_chip", "total_number", "ship_service_code", "imported")
    list_filter = ("status", "channel")
    list_select_related = ("channel",)
    search_fields = ("channel_refnum",)
    search_help_text = "Order number, SKU or name"
    actions = ("hold", "release", "bulk", "export_selected")
    csv_fields = (
        "id", "channel__code", "channel_refnum", "status", "currency", "grand_total", "ship_service_code",
        "channel_created_at", "imported_at", "updated_at", "completed_at", "cancelled_at",
    )  # fmt: skip
    screens = (("Many at once", "bulk_orders", OPERATE),)
    next_step = "Orders come in by themselves once a channel is connected. Connect one under Channels."

    number = column("Order", lambda order: order.channel_refnum)
    channel_name = column("Channel", lambda order: order.channel.name)
    status_chip = column("Status", lambda order: formats.chip(order.status))
    total_number = column("Total", lambda order: formats.money(order.grand_total, order.currency))
    imported = column("Imported", lambda order: formats.moment(order.imported_at))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Order], search_term: str
    ) -> tuple[QuerySet[Order], bool]:
        """Search by number, then SKU, then (where allowed) name: each by an index."""
        if not search_term:
            return queryset, False
        found = find_orders(search_term, with_names=allowed(request, SEE_PEOPLE))
        return queryset.filter(pk__in=found), False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Operators change orders."""
        return allowed(request, OPERATE)

    @action(description="Put on hold", permissions=["operate"])
    def hold(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Hold the selected orders."""
        ids = list(queryset.values_list("id", flat=True))
        reason = (OrderHold.Kind.OPERATOR, "held from the list")
        place_holds(holds=dict.fromkeys(ids, reason), actor=actor_of(request))
        success(request, f"{len(ids)} orders put on hold")

    @action(description="Release operators' holds", permissions=["operate"])
    def release(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        """Release what operators held; other holds need their cause mended."""
        ids = list(queryset.values_list("id", flat=True))
        free = release_holds(order_ids=ids, kinds=[OrderHold.Kind.OPERATOR], actor=actor_of(request))
        success(request, f"{len(free)} orders released")

    @action(description="More: by list of numbers …", permissions=["operate"])
    def bulk(self, request: HttpRequest, queryset: QuerySet[Order]) -> HttpResponseRedirect:  # noqa: ARG002 - the framework's signature
        """Take the selection to the page for many orders."""
        ids = ",".join(str(pk) for pk in queryset.values_list("id", flat=True))
        return HttpResponseRedirect(f"{reverse('admin:bulk_orders')}?ids={ids}")

    def get_title(self, obj: Order) -> str:
        """The channel's number."""
        return f"Order {obj.channel_refnum}"

    def get_state(self, obj: Order) -> str:
        """Its derived status."""
        return str(obj.status)

    def get_cards(self, request: HttpRequest, obj: Order) -> list[Card]:
        """Facts, money, holds; people only for those who may see them."""
        known = [(label, value) for label, value in _facts(obj) if value != formats.EMPTY]
        cards: list[Card] = [("Order", known), ("Money", _money(obj))]
        holds: list[Fact] = [(hold.get_kind_display(), hold.reason) for hold in _open_holds(obj)]
        if holds:
            cards.insert(0, ("On hold", holds))
        if allowed(request, SEE_PEOPLE):
            cards += _people(obj)
        return cards

    def get_tables(self, obj: Order) -> list[Table]:
        """Everything that belongs to it."""
        return order_tables(obj, _lines(obj))

    def get_record_actions(self, obj: Order) -> list[Action]:
        """What makes sense in its state."""
        return order_actions(obj, _lines(obj), _open_holds(obj))


def _lines(order: Order) -> list[OrderLine]:
    return list(order.lines.order_by("position"))


def _open_holds(order: Order) -> list[OrderHold]:
    return list(order.holds.filter(released_at__isnull=True).order_by("id"))


def _facts(order: Order) -> list[Fact]:
    return [
        ("Channel", order.channel.name),
        ("Our id", order.pk),
        ("Ship service", order.ship_service_code or formats.EMPTY),
        ("Ordered", formats.moment(order.channel_created_at)),
        ("Imported", formats.moment(order.imported_at)),
        ("Acknowledged", formats.moment(order.acknowledged_at)),
        ("Last routed", formats.moment(order.routed_at)),
        ("Ended", formats.moment(order.completed_at or order.cancelled_at)),
        ("Tags", ", ".join(order.tags) or formats.EMPTY),
    ]


def _money(order: Order) -> list[Fact]:
    payment = getattr(order, "payment", None)
    paid: Sequence[str] = ("authorized", "captured", "refunded") if payment else ()
    return [
        ("Total", formats.money(order.grand_total, order.currency)),
        ("Shipping", formats.money(order.shipping_amt, order.currency)),
        ("Tax", formats.money(order.tax_amt, order.currency)),
        ("Discount", formats.money(order.discount_amt, order.currency)),
        *((name.capitalize(), formats.money(getattr(payment, name), order.currency)) for name in paid),
    ]


def _people(order: Order) -> list[Card]:
    cards: list[Card] = []
    customer = getattr(order, "customer", None)
    if customer:
        contact = (
            ("Name", customer.full_name),
            ("E-mail", customer.email_address),
            ("Phone", customer.phone_number),
        )
        cards.append(("Customer", [(label, value) for label, value in contact if value]))
    for address in order.addresses.order_by("-kind"):
        lines = (
            f"{address.first_name} {address.last_name}", address.company, address.address1, address.address2,
            f"{address.city} {address.state} {address.postal_code}", address.country, address.phone_number,
        )  # fmt: skip
        text = ", ".join(line.strip() for line in lines if line.strip())
        cards.append(
            (
                f"{address.get_kind_display()} address".capitalize(),
                [("Ships to" if address.kind == "shipping" else "Bills to", text)],
            )
        )
    if order.gift_message:
        cards.append(("Gift", [("Message", order.gift_message)]))
    return cards
