"""What every list and record page of the console shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from django.contrib import messages
from django.contrib.admin import ShowFacets, action, display
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin, TabularInline  # type: ignore[import-untyped]

from retailops.hub.audit.operations.record import record
from retailops.hub.console.csv_export import csv_response
from retailops.hub.console.form_fields import LABELS, WIDGETS, PlainPickers
from retailops.hub.console.keyset import BoundedPaginator, KeysetChangeList
from retailops.hub.console.pages import Action, Table, actor_of, allowed, console_page, run_action
from retailops.hub.db import unit_of_work

M = TypeVar("M", bound=Model)

EXPORT_CHUNK = 2000

#: (label, plain value or safe HTML)
Fact = tuple[str, object]
#: A title, and the facts under it
Card = tuple[str, Sequence[Fact]]

#: A screen that belongs to a list: title, name of its view, permission
Screen = tuple[str, str, str]


class ConsoleAdmin(PlainPickers, ModelAdmin, Generic[M]):  # type: ignore[misc] # unfold is not typed
    """A keyset-paged list with CSV export; changes made in its forms are written to the audit log.

    `keyset` is the list's fixed order: one unique column. `next_step` tells what an empty list is waiting for.
    """

    keyset: ClassVar[str] = "-pk"
    next_step: ClassVar[str] = ""
    csv_fields: ClassVar[Sequence[str]] = ()
    screens: ClassVar[Sequence[Screen]] = ()
    list_before_template = "console/list_links.html"
    change_list_template = "console/change_list.html"
    list_per_page = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    sortable_by: Sequence[str] = ()
    list_disable_select_all = True
    list_filter_submit = False
    paginator = BoundedPaginator
    actions: Sequence[Any] = ("export_selected",)
    addable: ClassVar[bool] = True
    changeable: ClassVar[bool] = True
    deletable: ClassVar[bool] = False
    compressed_fields = True
    warn_unsaved_form = True
    formfield_overrides = WIDGETS

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Some rows come into being by what happens, not by a form."""
        return self.addable and bool(super().has_add_permission(request))

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Some rows only operations change."""
        return self.changeable and bool(super().has_change_permission(request, obj))

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """What ledgers and history name is switched off, not deleted."""
        return self.deletable and bool(super().has_delete_permission(request, obj))

    def get_form(
        self, request: HttpRequest, obj: M | None = None, change: bool = False, **kwargs: Any
    ) -> type[ModelForm[M]]:
        """Label fields as people in the field write them."""
        form: type[ModelForm[M]] = super().get_form(request, obj, change, labels=LABELS, **kwargs)
        return form

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:  # noqa: ARG002 - the framework's signature
        """The order of the list is that of the pickers, too."""
        return (self.keyset,)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:  # noqa: ARG002 - the framework's signature
        """Lists are keyset-paged."""
        return KeysetChangeList

    def get_urls(self) -> list[URLPattern]:
        """Add the export of everything a list shows."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        view = self.admin_site.admin_view(self.export_view)
        return [path("export.csv", view, name=name), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """Stream all rows that match the list's filters and search."""
        if not self.has_view_permission(request) or "%00" in request.META["QUERY_STRING"]:
            raise PermissionDenied
        return self.to_csv(request, self.get_changelist_instance(request).get_queryset(request))

    @action(description="Export as CSV")
    def export_selected(self, request: HttpRequest, queryset: QuerySet[M]) -> StreamingHttpResponse:
        """Download the selected rows."""
        return self.to_csv(request, queryset)

    def to_csv(self, request: HttpRequest, queryset: QuerySet[M]) -> StreamingHttpResponse:  # noqa: ARG002 - the framework's signature
        """Write `csv_fields`, or all the table's own columns, as CSV: raw values, times in UTC."""
        names = self.csv_fields or [field.attname for field in self.opts.concrete_fields]
        rows = queryset.order_by(self.keyset).values_list(*names)
        return csv_response(f"{self.opts.model_name}.csv", names, rows.iterator(EXPORT_CHUNK))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Add the links to what else can be done with these rows. PostgreSQL's text takes no NUL, so none gets there."""
        if "%00" in request.META["QUERY_STRING"]:
            return HttpResponseRedirect(request.path)
        export = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_export")
        links = [
            (title, reverse(f"admin:{view}"))
            for title, view, permission in self.screens
            if allowed(request, permission)
        ]
        links.append(("Export CSV", f"{export}?{request.GET.urlencode()}"))
        response: HttpResponse = super().changelist_view(
            request, {"list_links": links, **(extra_context or {})}
        )
        return response

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """A form is saved like an operation: again, if it met a worker on the same rows."""
        view = super().changeform_view
        if request.method == "POST":
            view = unit_of_work(view)
        response: HttpResponse = view(request, object_id, form_url, extra_context)
        return response

    def save_model(self, request: HttpRequest, obj: M, form: ModelForm[M], change: bool) -> None:
        """Write what was changed in the form and nothing else: workers write other columns of the row meanwhile."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        columns = {field.name for field in self.opts.concrete_fields}
        obj.save(update_fields=columns.intersection(form.changed_data))

    def save_related(self, request: HttpRequest, form: ModelForm[M], formsets: Any, change: bool) -> None:
        """Save what belongs to the record, then tell who must know."""
        super().save_related(request, form, formsets, change)
        told = self.saved(request, form)
        if told:
            messages.info(request, told)

    def saved(self, request: HttpRequest, form: ModelForm[M]) -> str:  # noqa: ARG002 - some tell who saved
        """Tell channels of a saved change, in its transaction; return what to tell the person who saved it."""
        return ""

    def log_addition(self, request: HttpRequest, object: M, message: object) -> None:  # noqa: A002 - Django's name
        """Write the audit log instead of Django's."""
        self._audit(request, "add", object, message)

    def log_change(self, request: HttpRequest, object: M, message: object) -> None:  # noqa: A002 - Django's name
        """Write the audit log instead of Django's."""
        self._audit(request, "change", object, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[M]) -> None:
        """Write the audit log instead of Django's."""
        for gone in queryset:
            self._audit(request, "delete", gone, [])

    def _audit(self, request: HttpRequest, verb: str, changed: M, message: object) -> None:
        name = str(self.opts.model_name)
        record(
            actor=actor_of(request),
            action=f"{name}.{verb}",
            subject=f"{name}:{changed.pk}",
            data={"name": str(changed), "message": message},
        )


class ReadOnlyAdmin(ConsoleAdmin[M]):
    """A list and record page of a table that only operations write."""

    addable = False
    changeable = False


class RecordAdmin(ReadOnlyAdmin[M]):
    """A read-only list whose record page shows facts, tables and actions."""

    record_template: ClassVar[str] = "console/record.html"

    def get_record(self, request: HttpRequest, pk: int) -> M:
        """Fetch the record with what its page shows. Raises `Http404`."""
        found = (
            self.get_queryset(request).select_related(*(self.list_select_related or ())).filter(pk=pk).first()
        )
        if found is None:
            raise Http404
        return found  # type: ignore[no-any-return] # unfold is not typed

    def get_title(self, obj: M) -> str:
        """The page's title."""
        return f"{self.opts.verbose_name} {obj}".capitalize()

    def get_state(self, obj: M) -> str:
        """The record's state, shown as a chip beside the title."""
        return str(getattr(obj, "state", ""))

    def get_facts(self, obj: M) -> list[Fact]:  # noqa: ARG002 - the framework's signature
        """What to know about the record."""
        return []

    def get_cards(self, request: HttpRequest, obj: M) -> list[Card]:  # noqa: ARG002 - some show more to some
        """The facts in groups."""
        return [("Facts", self.get_facts(obj))]

    def get_tables(self, obj: M) -> list[Table]:  # noqa: ARG002 - the framework's signature
        """What belongs to the record."""
        return []

    def get_record_actions(self, obj: M) -> list[Action]:  # noqa: ARG002 - the framework's signature
        """What can be done now."""
        return []

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002 - the framework's signature
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the record; run the action that a POST names."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if not object_id.isdecimal():
            raise Http404
        found = self.get_record(request, int(object_id))
        result = run_action(request, self.get_record_actions(found))
        if isinstance(result, HttpResponse):
            return result
        context = {
            "state": self.get_state(found),
            "cards": self.get_cards(request, found),
            "tables": self.get_tables(found),
            "panels": result,
            "back": (
                reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"),
                self.opts.verbose_name_plural,
            ),
            **(extra_context or {}),
        }
        return console_page(request, self.record_template, self.get_title(found), context)


class Inline(PlainPickers, TabularInline):  # type: ignore[misc] # unfold is not typed
    """Rows edited on their parent's page."""

    formfield_overrides = WIDGETS

    extra = 0
    hide_title = True
    tab = False


def column(title: str, value: Callable[[Any], object]) -> Callable[[Any, Any], object]:
    """A column of a list. Name it `…_number` to have it right-aligned."""

    @display(description=title)
    def show(_admin: object, row: Any) -> object:
        return value(row)

    return show


def record_url(model: str, pk: object) -> str:
    """The page of a record; `model` is `app_model`."""
    return reverse(f"admin:{model}_change", args=[pk])
