"""The building blocks of a page: facts, tables and actions. A page shows them; operations do the work."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import structlog
from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from unfold.settings import get_config  # type: ignore[import-untyped]

from retailops.hub.console.refusals import REFUSALS
from retailops.hub.console.site import site

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; numbers are right-aligned."""

    title: str
    numeric: bool = False


def columns(*titles: str) -> list[Column]:
    """Columns by their titles; a title that starts with `#` holds numbers."""
    return [Column(title.removeprefix("#"), title.startswith("#")) for title in titles]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain values or safe HTML. `empty` says what an empty table means, and what to do about it."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[object]]
    empty: str = "Nothing here."

    @property
    def cells(self) -> list[list[tuple[object, Column]]]:
        """Each row as (value, column)."""
        return [list(zip(row, self.columns, strict=True)) for row in self.rows]


class ConsoleForm(forms.Form):
    """A form whose widgets look like the rest of the console. `leading` fields, known only now, stand before the others."""

    def __init__(
        self, *args: Any, leading: Mapping[str, forms.Field] = MappingProxyType({}), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields = {**leading, **self.fields}
        classes = get_config()["FORMS"]["classes"]
        for bound in self.fields.values():
            bound.widget.attrs.setdefault("class", classes[_style_of(bound.widget)])


def _style_of(widget: forms.Widget) -> str:
    if isinstance(widget, forms.CheckboxSelectMultiple | forms.CheckboxInput):
        return "checkbox"
    return "file" if isinstance(widget, forms.FileInput) else "text_input"


FormFactory = Callable[..., ConsoleForm]


@dataclass(frozen=True, slots=True)
class Action:
    """Something an operator can do on a page.

    `make_form` is called with the POST data or `None`; `run` with the cleaned data and the actor, and returns what to tell
    the operator. `permission` is a Django permission, `app.codename`. With `preview`, the action is shown first and run
    when that preview is confirmed.
    """

    name: str
    title: str
    permission: str
    make_form: FormFactory
    run: Callable[[Mapping[str, Any], str], str]
    submit: str = ""
    icon: str = "bolt"
    intro: str = ""
    danger: bool = False
    preview: Callable[[Mapping[str, Any]], object] | None = None
    preview_template: str = ""


@dataclass(slots=True)
class Panel:
    """An action with its form as it is shown: fresh, or with what was typed and what was wrong with it."""

    action: Action
    form: ConsoleForm
    open: bool = False
    preview: object = None

    def __post_init__(self) -> None:
        """Many forms share a page: each has ids of its own."""
        self.form.auto_id = f"id_{self.action.name}_%s"

    @property
    def digest(self) -> str:
        """Names what was previewed, so that nothing else is confirmed."""
        return sha256(repr(self.preview).encode()).hexdigest()[:16]


def actor_of(request: HttpRequest) -> str:
    """The actor's name in ledgers and history."""
    return f"user:{request.user.get_username()}"


def allowed(request: HttpRequest, permission: str) -> bool:
    """Whether the user holds a permission."""
    return request.user.is_active and request.user.has_perm(permission)


def run_action(
    request: HttpRequest, actions: Sequence[Action], *, then: str | None = None
) -> HttpResponse | list[Panel]:
    """Run the action a POST names and return a redirect; or the panels to show, with the refused form kept.

    Raises `PermissionDenied` if the user may not run the action.
    """
    wanted = request.POST.get("action", "") if request.method == "POST" else ""
    panels = []
    for action in actions:
        if not allowed(request, action.permission):
            if action.name == wanted:
                raise PermissionDenied
            continue
        if action.name != wanted:
            panels.append(Panel(action, action.make_form(None)))
            continue
        panel = Panel(action, action.make_form(request.POST, request.FILES), open=True)
        if panel.form.is_valid() and _done(request, panel):
            return HttpResponseRedirect(then or request.get_full_path())
        panels.append(panel)
    return panels


def _done(request: HttpRequest, panel: Panel) -> bool:
    """Preview or run the action; what an operation refuses becomes an error of the form."""
    action, form = panel.action, panel.form
    try:
        if action.preview is not None:
            panel.preview = action.preview(form.cleaned_data)
            if request.POST.get("confirm") != panel.digest:
                return False
        told = action.run(form.cleaned_data, actor_of(request))
    except REFUSALS as error:
        log.info("console.refused", action=action.name, error=str(error))
        form.add_error(None, str(error))
        panel.preview = None
        return False
    messages.success(request, told)
    return True


def console_page(
    request: HttpRequest, template: str, title: str, context: Mapping[str, object] | None = None
) -> TemplateResponse:
    """Render a page of the console with its frame."""
    request.current_app = site.name  # read by {% url %}
    return TemplateResponse(
        request, template, {**site.each_context(request), "title": title, **(context or {})}
    )
