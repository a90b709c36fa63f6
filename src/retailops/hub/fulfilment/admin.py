"""Shipments and packages in the console."""

from django.contrib.admin import register

from retailops.hub.console import formats
from retailops.hub.console.admin_base import Fact, ReadOnlyAdmin, RecordAdmin, column, record_url
from retailops.hub.console.pages import Action, Table, columns
from retailops.hub.console.ship_actions import shipment_actions
from retailops.hub.console.site import site
from retailops.hub.fulfilment.models import Package, Shipment


def source(shipment: Shipment) -> str:
    """The facility or vendor that ships."""
    return str(shipment.facility or shipment.vendor)


@register(Shipment, site=site)
class ShipmentAdmin(RecordAdmin[Shipment]):
    """Portions of the routing plan; newest first."""

    keyset = "-id"
    list_display = ("id", "order", "source", "kind", "state_chip", "created", "finished")
    list_filter = ("state", "facility", "vendor")
    list_select_related = ("order", "facility", "vendor")
    search_fields = ("order__channel_refnum__exact",)
    search_help_text = "Order number"
    csv_fields = (
        "id",
        "order__channel_refnum",
        "facility__code",
        "vendor__code",
        "state",
        "created_at",
        "finished_at",
    )
    next_step = "Shipments appear when routing plans an order."

    source = column("Source", source)
    kind = column("Kind", lambda shipment: "facility" if shipment.facility_id else "vendor")
    state_chip = column("State", lambda shipment: formats.chip(shipment.state))
    created = column("Created", lambda shipment: formats.moment(shipment.created_at))
    finished = column("Finished", lambda shipment: formats.moment(shipment.finished_at))

    def get_facts(self, obj: Shipment) -> list[Fact]:
        """Whose it is and who ships it."""
        return [
            ("Order", formats.link(record_url("orders_order", obj.order_id), obj.order)),
            ("Source", source(obj)),
            ("Created", formats.moment(obj.created_at)),
            ("Finished", formats.moment(obj.finished_at)),
        ]

    def get_tables(self, obj: Shipment) -> list[Table]:
        """Items and packages."""
        items = obj.items.select_related("order_line").order_by("id")
        return [
            Table(
                "Items",
                columns("SKU", "#Quantity", "#Shipped", "#Cancelled", "#To ship"),
                [
                    (
                        i.order_line.sku_code,
                        i.quantity,
                        i.shipped,
                        i.cancelled,
                        i.quantity - i.shipped - i.cancelled,
                    )
                    for i in items
                ],
            ),
            packages_table(
                list(obj.packages.prefetch_related("items__shipment_item__order_line").order_by("id"))
            ),
        ]

    def get_record_actions(self, obj: Shipment) -> list[Action]:
        """Ship by hand, or refuse."""
        return shipment_actions(obj)


def packages_table(packages: list[Package]) -> Table:
    """Packages with their contents."""
    return Table(
        "Packages",
        columns("Shipped", "Carrier", "Tracking", "Contents", "#Weight kg"),
        [
            (
                formats.moment(package.shipped_at),
                " ".join(filter(None, (package.carrier_name, package.carrier_class_name))) or formats.EMPTY,
                package.tracking_number or formats.EMPTY,
                ", ".join(
                    formats.units(item.quantity, item.shipment_item.order_line.sku_code)
                    for item in package.items.all()
                ),
                package.weight_kg if package.weight_kg is not None else formats.EMPTY,
            )
            for package in packages
        ],
        "Nothing has left yet.",
    )


@register(Package, site=site)
class PackageAdmin(ReadOnlyAdmin[Package]):
    """What left the building; newest first."""

    keyset = "-id"
    list_display = ("key", "order", "carrier_name", "tracking_number", "shipped")
    list_select_related = ("shipment__order",)
    search_fields = ("tracking_number__exact", "key__exact")
    search_help_text = "Tracking number"
    csv_fields = (
        "key",
        "shipment__order__channel_refnum",
        "carrier_name",
        "carrier_class_name",
        "tracking_number",
        "weight_kg",
        "shipped_at",
    )
    next_step = "Packages appear when a facility or a vendor ships."

    order = column(
        "Order",
        lambda p: formats.link(
            record_url("orders_order", p.shipment.order_id), p.shipment.order.channel_refnum
        ),
    )
    shipped = column("Shipped", lambda package: formats.moment(package.shipped_at))
