"""The audit log in the console."""

from django.contrib.admin import register

from retailops.hub.audit.models import AuditEntry
from retailops.hub.console import formats
from retailops.hub.console.admin_base import ReadOnlyAdmin, column
from retailops.hub.console.site import site


@register(AuditEntry, site=site)
class AuditEntryAdmin(ReadOnlyAdmin[AuditEntry]):
    """Who changed what; newest first."""

    keyset = "-id"
    list_display = ("when", "actor", "action", "subject", "details")
    search_fields = ("subject__exact",)
    search_help_text = "Subject, such as channel:1"
    list_fullwidth = True
    next_step = "Changes to settings, rules, users and queues will be listed here."

    when = column("When", lambda entry: formats.moment(entry.at))
    details = column("Details", lambda entry: formats.fold("show", entry.data))
