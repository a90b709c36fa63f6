"""Everything about one order, as tables; a fixed number of statements, whatever the order holds."""

from __future__ import annotations

from collections import defaultdict

from django.utils.html import format_html

from retailops.hub.console import formats
from retailops.hub.console.admin_base import record_url
from retailops.hub.console.pages import Table, columns
from retailops.hub.fulfilment.models import Package, PackageItem, Shipment, ShipmentItem
from retailops.hub.orders.models import Order, OrderLine
from retailops.hub.payments.models import PaymentTransaction
from retailops.hub.purchasing.models import PoItem
from retailops.hub.returns.models import ReturnItem
from retailops.hub.routing.rules import REASONS
from retailops.hub.tasks.models import Attempt, Task

MOST_EVENTS = 100
MOST_TASKS = 50


def order_tables(order: Order, lines: list[OrderLine]) -> list[Table]:
    """The tables of the order page, in the order of the work."""
    return [
        lines_table(order, lines),
        shipments_table(order),
        packages_table(order),
        purchase_orders_table(order),
        payments_table(order),
        returns_table(order),
        tasks_table(order),
        history_table(order),
    ]


def lines_table(order: Order, lines: list[OrderLine]) -> Table:
    """Lines with their counters."""
    return Table(
        "Lines",
        columns("SKU", "#Unit price", "#Ordered", "#Open", "#Planned", "#Shipped", "#Cancelled", "#Returned", "Note"),
        [
            (
                _sku(line), formats.money(line.unit_price, order.currency), line.ordered, line.open, line.planned,
                line.shipped, line.cancelled, line.returned, _note(line),
            )
            for line in lines
        ],
    )  # fmt: skip


def _sku(line: OrderLine) -> object:
    return (
        formats.link(record_url("catalog_sku", line.sku_id), line.sku_code) if line.sku_id else line.sku_code
    )


def _note(line: OrderLine) -> object:
    if line.open and line.routing_reason:
        return formats.chip("waiting", REASONS.get(line.routing_reason, line.routing_reason))
    if line.sku_id is None and line.item_type == OrderLine.ItemType.SHIP:
        return formats.chip("waiting", "SKU unknown")
    if line.item_type != OrderLine.ItemType.SHIP:
        return formats.chip(line.get_item_type_display())
    return line.description[:60] or formats.EMPTY


def shipments_table(order: Order) -> Table:
    """The routing plan."""
    items: dict[int, list[str]] = defaultdict(list)
    for item in (
        ShipmentItem.objects.filter(shipment__order=order).select_related("order_line").order_by("id")
    ):
        items[item.shipment_id].append(formats.units(item.quantity, item.order_line.sku_code))
    shipments = Shipment.objects.filter(order=order).select_related("facility", "vendor").order_by("id")
    return Table(
        "Shipments",
        columns("Shipment", "Source", "State", "Items", "Created"),
        [
            (
                formats.link(record_url("fulfilment_shipment", shipment.pk), shipment.pk),
                str(shipment.facility or shipment.vendor), formats.chip(shipment.state),
                ", ".join(items[shipment.pk]), formats.moment(shipment.created_at),
            )
            for shipment in shipments
        ],
        "Not routed yet. Routing looks at an order as soon as it is acknowledged and has no hold.",
    )  # fmt: skip


def packages_table(order: Order) -> Table:
    """What left."""
    items: dict[int, list[str]] = defaultdict(list)
    contents = PackageItem.objects.filter(package__shipment__order=order).select_related(
        "shipment_item__order_line"
    )
    for item in contents.order_by("id"):
        items[item.package_id].append(formats.units(item.quantity, item.shipment_item.order_line.sku_code))
    return Table(
        "Packages",
        columns("Shipped", "Carrier", "Tracking", "Contents"),
        [
            (
                formats.moment(package.shipped_at),
                f"{package.carrier_name} {package.carrier_class_name}".strip() or formats.EMPTY,
                package.tracking_number or formats.EMPTY, ", ".join(items[package.pk]),
            )
            for package in Package.objects.filter(shipment__order=order).order_by("id")
        ],
        "Nothing has left yet.",
    )  # fmt: skip


def purchase_orders_table(order: Order) -> Table:
    """What vendors ship."""
    items = (
        PoItem.objects.filter(po__order=order)
        .select_related("po__vendor", "vendor_sku")
        .order_by("po_id", "id")
    )
    return Table(
        "Purchase orders",
        columns("PO", "Vendor", "State", "VPC", "#Quantity", "#Shipped", "#Cancelled", "Expected"),
        [
            (
                formats.link(record_url("purchasing_purchaseorder", item.po_id), item.po.number), item.po.vendor.name,
                formats.chip(item.po.state), item.vendor_sku.vpc, item.quantity, item.shipped, item.cancelled,
                formats.moment(item.po.estimated_ship_date),
            )
            for item in items
        ],
        "No vendor is involved.",
    )  # fmt: skip


def payments_table(order: Order) -> Table:
    """Transactions."""
    return Table(
        "Payments",
        columns("When", "Kind", "State", "#Amount", "Reference", "Message"),
        [
            (
                formats.moment(row.created_at), row.get_kind_display(), formats.chip(row.state),
                formats.money(row.amount, row.currency), row.refnum or formats.EMPTY, row.message or formats.EMPTY,
            )
            for row in PaymentTransaction.objects.filter(order=order).order_by("id")
        ],
        "The channel sent no payments: it deals with them itself.",
    )  # fmt: skip


def returns_table(order: Order) -> Table:
    """What came back."""
    items = ReturnItem.objects.filter(return_record__order=order).select_related(
        "return_record", "order_line"
    )
    return Table(
        "Returns",
        columns("RMA", "SKU", "#Quantity", "Reason", "Disposition", "#Credit"),
        [
            (
                formats.link(record_url("returns_return", item.return_record_id), item.return_record.rma),
                item.order_line.sku_code, item.quantity, item.reason or formats.EMPTY, item.get_disposition_display(),
                formats.money(item.credit_amt, order.currency),
            )
            for item in items.order_by("id")
        ],
        "Nothing came back.",
    )  # fmt: skip


def tasks_table(order: Order) -> Table:
    """What the channel was told, with the last attempt of each; requests and replies are kept redacted."""
    tasks = list(Task.objects.filter(order=order).order_by("-id")[:MOST_TASKS])
    last: dict[int, Attempt] = {}
    for attempt in Attempt.objects.filter(task__in=tasks).order_by("id"):
        last[attempt.task_id] = attempt
    return Table(
        "Told to the channel",
        columns("Task", "What", "State", "#Attempts", "Message", "Created"),
        [
            (*_task_cells(task), _message(task, last.get(task.pk)), formats.moment(task.created_at))
            for task in tasks
        ],
        "Nothing to tell so far.",
    )


def _task_cells(task: Task) -> tuple[object, ...]:
    return (
        formats.link(record_url("tasks_task", task.pk), task.pk), task.kind, formats.chip(task.outcome or task.state),
        task.attempts,
    )  # fmt: skip


def _message(task: Task, attempt: Attempt | None) -> object:
    """The message, and the last request and reply behind it."""
    told = task.message[:120] or formats.EMPTY
    if attempt is None:
        return told
    request, reply = (
        formats.fold("request", attempt.request_excerpt),
        formats.fold("reply", attempt.response_excerpt),
    )
    return format_html('<div class="c-message">{} {} {}</div>', told, request, reply)


def history_table(order: Order) -> Table:
    """Who did what."""
    return Table(
        f"History (last {MOST_EVENTS})",
        columns("When", "What", "Details", "By"),
        [
            (formats.moment(event.at), event.kind.replace("_", " "), details(event.data), event.actor)
            for event in order.events.order_by("-id")[:MOST_EVENTS]
        ],
        "Nothing happened yet.",
    )


def details(data: dict[str, object]) -> str:
    """An event's data in one line."""
    return (
        ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in data.items() if value is not None)
        or formats.EMPTY
    )
