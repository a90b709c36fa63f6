"""Payment transactions in the console."""

from django.contrib.admin import register

from retailops.hub.console import formats
from retailops.hub.console.admin_base import ReadOnlyAdmin, column, record_url
from retailops.hub.console.site import site
from retailops.hub.payments.models import PaymentTransaction


@register(PaymentTransaction, site=site)
class PaymentTransactionAdmin(ReadOnlyAdmin[PaymentTransaction]):
    """Each movement of money; newest first."""

    keyset = "-id"
    list_display = ("id", "order_link", "kind", "state_chip", "amount_number", "refnum", "message", "created")
    list_filter = ("kind", "state")
    list_select_related = ("order",)
    search_fields = ("order__channel_refnum__exact",)
    search_help_text = "Order number"
    csv_fields = (
        "id",
        "order__channel_refnum",
        "kind",
        "state",
        "amount",
        "currency",
        "payment_type",
        "refnum",
        "message",
        "created_at",
        "settled_at",
    )
    next_step = "Transactions come in with orders, and when shipments are settled."

    order_link = column(
        "Order", lambda t: formats.link(record_url("orders_order", t.order_id), t.order.channel_refnum)
    )
    state_chip = column("State", lambda t: formats.chip(t.state))
    amount_number = column("Amount", lambda t: formats.money(t.amount, t.currency))
    created = column("Created", lambda t: formats.moment(t.created_at))
