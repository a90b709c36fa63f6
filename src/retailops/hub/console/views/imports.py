"""CSV uploads of SKUs and stock, with a result for each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.forms import CharField, ChoiceField, FileField, HiddenInput
from django.http import HttpRequest, HttpResponse

from retailops.hub.console import formats, sku_import, stock_import
from retailops.hub.console.csv_import import MOST_BYTES, CsvError, CsvRow, read_csv
from retailops.hub.console.pages import ConsoleForm, Table, actor_of, allowed, columns, console_page
from retailops.hub.console.refusals import REFUSALS
from retailops.hub.console.sku_import import RowResult
from retailops.hub.console.stock_actions import OPERATE, new_key

#: Rows shown; refused ones first, since those need work.
MOST_SHOWN = 1000


class UploadForm(ConsoleForm):
    """A CSV file. Subclasses name its columns."""

    required_columns: Sequence[str] = ()
    optional_columns: Sequence[str] = ()
    file = FileField(label="CSV file")

    def clean_file(self) -> list[CsvRow]:
        """The file's rows."""
        upload: UploadedFile[bytes] = self.cleaned_data["file"]
        content = upload.read(MOST_BYTES + 1)
        try:
            return read_csv(content, required=self.required_columns, optional=self.optional_columns)
        except CsvError as error:
            raise ValidationError(str(error)) from error


class SkuUpload(UploadForm):
    """SKUs."""

    required_columns, optional_columns = sku_import.REQUIRED, sku_import.OPTIONAL


class StockUpload(UploadForm):
    """Stock."""

    required_columns = stock_import.REQUIRED
    mode = ChoiceField(
        label="The quantities are",
        choices=[("count", "counts: set on hand to them"), ("receive", "receipts: add them")],
    )
    reason = CharField(max_length=300, required=False)
    key = CharField(widget=HiddenInput, initial=new_key, max_length=60)
    field_order = ("file", "mode", "reason")


def import_skus(request: HttpRequest) -> HttpResponse:
    """Add and change SKUs."""

    def run(data: dict[str, Any], actor: str) -> list[RowResult]:
        return sku_import.import_skus(rows=data["file"], actor=actor)

    intro = "New SKUs are added, known ones changed; empty cells change nothing."
    return _page(request, "Import SKUs", "catalog.add_sku", SkuUpload, run, intro)


def import_stock(request: HttpRequest) -> HttpResponse:
    """Count or receive stock."""

    def run(data: dict[str, Any], actor: str) -> list[RowResult]:
        return stock_import.import_stock(
            rows=data["file"], mode=data["mode"], reason=data["reason"], key=data["key"], actor=actor
        )

    return _page(request, "Import stock", OPERATE, StockUpload, run, "One row for each SKU at each facility.")


def _page(
    request: HttpRequest,
    title: str,
    permission: str,
    form_class: type[UploadForm],
    run: Callable[[dict[str, Any], str], list[RowResult]],
    intro: str,
) -> HttpResponse:
    if not allowed(request, permission):
        raise PermissionDenied
    posted = request.method == "POST"
    form = form_class(request.POST, request.FILES) if posted else form_class()
    context: dict[str, object] = {
        "form": form, "submit": "Import", "upload": True, "intro": intro,
        "columns": (form_class.required_columns, form_class.optional_columns),
    }  # fmt: skip
    if posted and form.is_valid():
        try:
            results = run(form.cleaned_data, actor_of(request))
        except REFUSALS as error:
            form.add_error(None, str(error))
        else:
            counts = Counter(result.result for result in results)
            context |= {"counts": sorted(counts.items()), "table": _table(results)}
    return console_page(request, "console/form_page.html", title, context)


def _table(results: Sequence[RowResult]) -> Table:
    shown = sorted(results, key=lambda result: (result.result != "refused", result.line))[:MOST_SHOWN]
    cut = f", {MOST_SHOWN:,} of {len(results):,} rows" if len(results) > MOST_SHOWN else ""
    return Table(
        f"Results{cut}",
        columns("#Line", "Row", "Result", "Message"),
        [(row.line, row.subject, formats.chip(row.result), row.message or formats.EMPTY) for row in shown],
        "The file has no rows under its first line.",
    )
