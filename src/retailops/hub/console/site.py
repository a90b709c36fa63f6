"""The console: one admin site, with the task-shaped screens among its pages.

It knows no page: contexts register theirs in their `admin` modules, the console its own screens in `console.admin`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.templatetags.static import static
from django.urls import URLPattern, path
from unfold.sites import UnfoldAdminSite  # type: ignore[import-untyped]

from retailops.hub.console import navigation

#: A screen that is neither a table's list nor a record: route, view, name.
Screen = tuple[str, Callable[..., HttpResponseBase], str]

#: A deep teal in place of unfold's purple; the numbers are shades.
PRIMARY = {
    "50": "#f0fdfa", "100": "#ccfbf1", "200": "#99f6e4", "300": "#5eead4", "400": "#2dd4bf", "500": "#14b8a6",
    "600": "#0f766e", "700": "#115e59", "800": "#134e4a", "900": "#133f3c", "950": "#042f2e",
}  # fmt: skip


class ConsoleSite(UnfoldAdminSite):  # type: ignore[misc] # unfold is not typed
    """The operators' site."""

    site_title = site_header = "RetailOps"
    index_title = "Dashboard"
    enable_nav_sidebar = True

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._screens: list[Screen] = []

    def add_screens(self, screens: list[Screen]) -> None:
        """Take in screens; what has a route of the framework's own stands in its place."""
        self._screens += screens

    def extra_urls(self) -> list[URLPattern]:
        """The screens' addresses, which are looked up before the framework's."""
        return [path(route, self.admin_view(view), name=name) for route, view, name in self._screens]

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, object]]:
        """The sidebar in the order of the work."""
        return navigation.sidebar(request)

    def extra_context(self, context: dict[str, Any], request: HttpRequest) -> dict[str, Any]:  # noqa: ARG002 - the framework's signature
        """Our colours, our stylesheet, the environment's badge."""
        context["styles"] = [static("console/console.css")]
        context["site_favicons"] = [
            {"href": static("console/favicon.svg"), "rel": "icon", "type": "image/svg+xml"}
        ]
        context["environment"] = environment()
        context["show_history"] = False
        context["colors"] = {**context["colors"], "primary": PRIMARY}
        context["site_symbol"] = "deployed_code"
        return context


def environment() -> tuple[str, str]:
    """What this deployment is, so that nobody mistakes one for the other: name and colour."""
    return ("Development", "warning") if settings.RETAILOPS.dev else ("Production", "success")


site = ConsoleSite("console")
site.disable_action("delete_selected")
