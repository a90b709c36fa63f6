"""Returns in the console."""

from django.contrib.admin import register

from retailops.hub.console import formats
from retailops.hub.console.admin_base import Fact, RecordAdmin, column, record_url
from retailops.hub.console.pages import Table, columns
from retailops.hub.console.site import site
from retailops.hub.returns.models import Return


@register(Return, site=site)
class ReturnAdmin(RecordAdmin[Return]):
    """Goods that came back; newest first. A return is taken on its order's page."""

    keyset = "-id"
    list_display = ("rma", "order", "facility", "state_chip", "refund_action", "refund_number", "created")
    list_filter = ("state", "refund_action", "facility")
    list_select_related = ("order", "facility")
    search_fields = ("rma__exact", "order__channel_refnum__exact")
    search_help_text = "RMA or order number"
    csv_fields = (
        "rma",
        "order__channel_refnum",
        "facility__code",
        "state",
        "refund_action",
        "refund_amt",
        "created_at",
        "closed_at",
    )
    next_step = "Take goods back on the page of their order."

    state_chip = column("State", lambda record: formats.chip(record.state))
    refund_number = column("Refund", lambda record: formats.money(record.refund_amt, record.order.currency))
    created = column("Created", lambda record: formats.moment(record.created_at))

    def get_title(self, obj: Return) -> str:
        """Its number."""
        return f"RMA {obj.rma}"

    def get_facts(self, obj: Return) -> list[Fact]:
        """What came back and what was given for it."""
        amounts = ("product_amt", "discount_amt", "tax_amt", "shipping_amt", "refund_amt")
        return [
            ("Order", formats.link(record_url("orders_order", obj.order_id), obj.order)),
            ("Facility", obj.facility.name),
            ("Refund", obj.get_refund_action_display()),
            ("Created", formats.moment(obj.created_at)),
            *(
                (
                    name.removesuffix("_amt").capitalize(),
                    formats.money(getattr(obj, name), obj.order.currency),
                )
                for name in amounts
            ),
        ]

    def get_tables(self, obj: Return) -> list[Table]:
        """Its items."""
        return [
            Table(
                "Items",
                columns("SKU", "#Quantity", "Reason", "Disposition", "#Credit"),
                [
                    (
                        item.order_line.sku_code, item.quantity, item.reason or formats.EMPTY,
                        item.get_disposition_display(), formats.money(item.credit_amt, obj.order.currency),
                    )
                    for item in obj.items.select_related("order_line").order_by("id")
                ],
            )
        ]  # fmt: skip
