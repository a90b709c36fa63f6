"""The three roles. Run after each migration, so that new tables come under them; what an administrator added stays."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.db.models import Q

from retailops.hub.db import unit_of_work

VIEWER, OPERATOR, ADMINISTRATOR = "Viewer", "Operator", "Administrator"

#: People's data, and what only administrators look at.
_NOT_FOR_VIEWERS = (
    "view_orderaddress",
    "view_ordercustomer",
    "view_user",
    "view_group",
    "view_permission",
    "view_apikey",
    "view_auditentry",
)
_APPS = (
    "catalog", "stock", "orders", "routing", "fulfilment", "purchasing", "returns", "payments", "channels", "tasks", "audit",
    "accounts", "auth",
)  # fmt: skip
#: What operators do beyond looking: app → codenames.
_OPERATORS_DO = {
    "orders": ("change_order",),
    "fulfilment": ("add_package",),
    "purchasing": ("change_purchaseorder",),
    "returns": ("add_return",),
    "payments": ("add_paymenttransaction",),
    "stock": ("change_stocklevel",),
    "tasks": ("change_task", "change_queue"),
    "catalog": (
        "add_product", "change_product", "add_sku", "change_sku", "add_skuidentifier", "change_skuidentifier",
        "delete_skuidentifier", "add_kitcomponent", "change_kitcomponent", "delete_kitcomponent", "add_listing",
        "change_listing",
    ),
}  # fmt: skip


@unit_of_work
def ensure_roles() -> None:
    """Create Viewer, Operator and Administrator where missing, and give each the permissions it lacks."""
    views = Q(content_type__app_label__in=_APPS, codename__startswith="view_")
    does = Q()
    for app, codenames in _OPERATORS_DO.items():
        does |= Q(content_type__app_label=app, codename__in=codenames)
    for role, which in (
        (VIEWER, views & ~Q(codename__in=_NOT_FOR_VIEWERS)),
        (
            OPERATOR,
            (views & ~Q(codename__in=("view_user", "view_group", "view_permission", "view_apikey"))) | does,
        ),
        (ADMINISTRATOR, Q(content_type__app_label__in=_APPS)),
    ):
        group, _ = Group.objects.get_or_create(name=role)
        group.permissions.add(*Permission.objects.filter(which))
