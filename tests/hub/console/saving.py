"""Saving the console's forms as a browser would, and what that has queued."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from retailops.hub.db import fetch
from retailops.hub.tasks.models import Task


def filled_in(client: Client, url: str) -> dict[str, Any]:
    """The form as a browser would send it back unchanged."""
    response = client.get(url)
    assert response.status_code == 200
    forms = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    bound = [form[name] for form in forms for name in form.fields]
    values = {field.html_name: _as_sent(field.value()) for field in bound}
    return {name: value for name, value in values.items() if value is not None and value is not False}


def _as_sent(value: Any) -> Any:
    if isinstance(value, list):
        return [getattr(each, "pk", each) for each in value]
    return "on" if value is True else value


def save(client: Client, record: Model, changes: Mapping[str, Any] = {}, leave_out: str = "") -> list[str]:
    """Change fields of a record in its form; return what the page then says."""
    url = reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_change", args=[record.pk])
    data = {name: value for name, value in filled_in(client, url).items() if name != leave_out}
    return _sent(client, url, data | dict(changes))


def add(client: Client, model: type[Model], data: Mapping[str, Any]) -> list[str]:
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
    return _sent(client, url, filled_in(client, url) | dict(data))


def _sent(client: Client, url: str, data: Mapping[str, Any]) -> list[str]:
    response = client.post(url, data, follow=True)
    if not response.redirect_chain:
        form = response.context["adminform"].form
        pytest.fail(
            f"{form.errors} {[each.formset.errors for each in response.context['inline_admin_formsets']]}"
        )
    return [str(message) for message in response.context["messages"] if str(message).startswith("Queued")]


def queued() -> tuple[set[str], set[str]]:
    """(products with a catalog push, SKUs with an inventory push); forgets them. Only the shop lists anything."""
    rows = fetch(
        """SELECT t.kind, coalesce(s.code, p.code), c.code FROM tasks_task t JOIN channels_channel c ON c.queue_id = t.queue_id
           LEFT JOIN catalog_listing l ON t.kind = 'inventory_push' AND l.id = t.subject_id
           LEFT JOIN catalog_sku s ON s.id = l.sku_id
           LEFT JOIN catalog_product p ON t.kind = 'catalog_push' AND p.id = t.subject_id
           WHERE t.kind IN ('inventory_push', 'catalog_push') AND t.state = 'queued'"""
    )
    Task.objects.filter(kind__in=["inventory_push", "catalog_push"]).delete()
    assert {row[2] for row in rows} <= {"shop"}
    return {row[1] for row in rows if row[0] == "catalog_push"}, {
        row[1] for row in rows if row[0] == "inventory_push"
    }
