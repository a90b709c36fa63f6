"""Lists that stay fast at a million rows: pages are found by key, totals are estimated."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.views import ChangeList  # type: ignore[import-untyped]

AFTER, BEFORE = "after", "before"
#: Beyond this, a total is an estimate of the planner.
COUNTED_EXACTLY = 1000


class BoundedPaginator(Paginator):  # type: ignore[type-arg] # not generic at run time
    """Counts no further than it has to; used by the pickers of related rows."""

    @cached_property
    def count(self) -> int:
        """The number of rows, or the bound."""
        return int(self.object_list.order_by()[: COUNTED_EXACTLY + 1].count())  # type: ignore[attr-defined] # a queryset here


def estimate(queryset: QuerySet[Any]) -> int:
    """The planner's guess of how many rows a queryset has; costs no scan."""
    plan = json.loads(queryset.order_by().explain(format="json"))
    return int(plan[0]["Plan"]["Plan Rows"])


class KeysetPage:
    """What the template of the pager needs. Stands in for Django's paginator on the change list."""

    template_name = "console/pager.html"

    def __init__(self, *, previous: str, following: str, count: int, exact: bool) -> None:
        self.previous = previous
        self.following = following
        self.count = count
        self.exact = exact


class KeysetChangeList(ChangeList):  # type: ignore[misc] # unfold is not typed
    """A change list in the fixed order of `model_admin.keyset`, a unique column, with links before and after."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.position = (request.GET.get(AFTER), request.GET.get(BEFORE))
        super().__init__(request, *args, **kwargs)

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """All parameters but our own are filters."""
        found: dict[str, Any] = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in (AFTER, BEFORE)}

    def get_query_string(
        self, new_params: dict[str, Any] | None = None, remove: list[str] | None = None
    ) -> str:
        """Links that change a filter start at the first page again."""
        return str(super().get_query_string({AFTER: None, BEFORE: None, **(new_params or {})}, remove))

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:  # noqa: ARG002 - the framework's signature
        """The one order there is."""
        return [self.model_admin.keyset]

    def get_results(self, request: HttpRequest) -> None:  # noqa: ARG002 - the framework's signature
        """Fetch one page and one row more, to know whether another follows."""
        size = self.list_per_page
        rows, turned = self._fetch(size)
        more = len(rows) > size
        rows = rows[:size]
        if turned:
            rows.reverse()
        started = any(value is not None for value in self.position)
        has_previous, has_following = (more, True) if turned else (started, more)
        exact = not started and not more
        self.result_list = rows
        self.result_count = len(rows) if exact else max(self._estimate(), len(rows))
        self.full_result_count = self.result_count  # equal, so that no "show all" is offered
        self.show_full_result_count = False
        self.show_admin_actions = True
        self.can_show_all = self.multi_page = False
        self.paginator = KeysetPage(
            previous=self._link(BEFORE, rows[0]) if rows and has_previous else "",
            following=self._link(AFTER, rows[-1]) if rows and has_following else "",
            count=self.result_count,
            exact=exact,
        )

    def _fetch(self, size: int) -> tuple[list[Model], bool]:
        after, before = self.position
        field, descending = self.model_admin.keyset.removeprefix("-"), self.model_admin.keyset.startswith("-")
        queryset = self.queryset
        try:
            if before is not None:
                queryset = queryset.filter(**{f"{field}__{'gt' if descending else 'lt'}": before}).reverse()
            elif after is not None:
                queryset = queryset.filter(**{f"{field}__{'lt' if descending else 'gt'}": after})
            return list(queryset[: size + 1]), before is not None
        except (ValueError, ValidationError) as error:
            raise IncorrectLookupParameters from error

    def _estimate(self) -> int:
        counted: int = self.queryset.order_by()[: COUNTED_EXACTLY + 1].count()
        return counted if counted <= COUNTED_EXACTLY else max(estimate(self.queryset), counted)

    def _link(self, name: str, row: Model) -> str:
        return self.get_query_string({name: getattr(row, self.model_admin.keyset.removeprefix("-"))})
