"""The console as a Django app, for its templates, tags and static files."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """The console."""

    name = "retailops.hub.console"
    label = "console"
