"""Channels in the console: settings, health, and what they got wrong."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import SimpleListFilter, display, register
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import CharField, ModelForm, MultipleChoiceField
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from unfold.widgets import (  # type: ignore[import-untyped]
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextInputWidget,
)

from retailops.contract.interactions import INTERACTIONS
from retailops.hub.catalog.models import Listing
from retailops.hub.catalog.operations.publish_inventory import INVENTORY_PUSH
from retailops.hub.channels.feed import FeedError, render_feed
from retailops.hub.channels.models import Channel, ContractViolation, FeedTemplate, RejectedOrder, ShipCode
from retailops.hub.channels.operations.connect_channel import connect_channel
from retailops.hub.channels.operations.publish_catalog import CATALOG_PUSH, publish_whole_catalog
from retailops.hub.channels.operations.publish_channel import OFFER_SETTINGS, publish_channel
from retailops.hub.channels.operations.update_channel import update_channel
from retailops.hub.channels.rules import InvalidChannelError, check_channel
from retailops.hub.console import formats
from retailops.hub.console.admin_base import ConsoleAdmin, Inline, ReadOnlyAdmin, column
from retailops.hub.console.channel_actions import channel_actions
from retailops.hub.console.channel_health import health_cards, rejected_table, tasks_table, violations_table
from retailops.hub.console.pages import actor_of, console_page, run_action
from retailops.hub.console.queries import channel_states
from retailops.hub.console.site import site

#: Settings that operations write; the others belong to the form.
BY_OPERATION = ("name", "base_url", "capabilities", "settle_on", "pull_every_seconds")


class ChannelForm(ModelForm):  # type: ignore[type-arg] # not generic at run time
    """The key is never shown; an empty one keeps what is stored."""

    base_url = CharField(
        label="Base URL",
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text="We call BASE_URL/order_pull_v1 and so on",
    )
    key = CharField(
        label="Auth key", required=False, widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
        help_text="Sent as integration_auth_token; leave it empty to keep the present one",
    )  # fmt: skip
    capabilities = MultipleChoiceField(
        choices=[(name, name) for name in INTERACTIONS], widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What the channel implements; nothing else is ever called",
    )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        """Check what the operation would refuse, so that it is told beside the field."""
        data: dict[str, Any] = super().clean() or {}
        if self.errors:
            return data
        try:
            check_channel(
                code=data.get("code") or self.instance.code,
                auth_key=data["key"] or ("kept" if self.instance.pk else ""),
                **{name: data[name] for name in BY_OPERATION},
            )
        except InvalidChannelError as error:
            self.add_error("key" if error.field == "auth_key" else error.field, str(error).partition(": ")[2])
        return data


class ShipCodeInline(Inline):
    """What the channel calls carriers."""

    model = ShipCode


@register(Channel, site=site)
class ChannelAdmin(ConsoleAdmin[Channel]):
    """Where we sell."""

    form = ChannelForm
    keyset = "code"
    list_display = ("code", "name", "state_chip", "health_link", "pull_every", "created")
    list_display_links = ("code",)
    list_select_related = ("queue",)
    search_fields = ("code__startswith",)
    csv_fields = ("code", "name", "base_url", "capabilities", "settle_on", "pull_every_seconds", "created_at")
    inlines = (ShipCodeInline,)
    autocomplete_fields = ("facilities", "feed_template")
    change_form_outer_before_template = "console/list_links.html"
    fieldsets = (
        (None, {"fields": (("code", "name"), ("base_url", "key"), "capabilities")}),
        ("Orders and money", {"fields": (("pull_every_seconds", "settle_on"),)}),
        (
            "What is published",
            {"fields": ("facilities", ("use_vendor_stock", "use_inflight_stock"), "feed_template")},
        ),
    )
    next_step = (
        "Connect a channel that implements the contract: its address, its key, and what it implements."
    )

    state_chip = column("Queue", lambda channel: formats.chip("paused" if channel.queue.paused else "active"))
    health_link = column(
        "",
        lambda channel: formats.link(
            reverse("admin:channel_health", args=[channel.pk]), "Health and actions"
        ),
    )
    pull_every = column("Pulled every", lambda channel: formats.duration(channel.pull_every_seconds))
    created = column("Connected", lambda channel: formats.moment(channel.created_at))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Channel]:
        """Lists never decrypt keys."""
        return super().get_queryset(request).defer("auth_key")  # type: ignore[no-any-return] # unfold is not typed

    def get_readonly_fields(self, request: HttpRequest, obj: Channel | None = None) -> tuple[str, ...]:  # noqa: ARG002 - the framework's signature
        """A code names the channel for good."""
        return ("code",) if obj else ()

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:
        """Operations write what schedules and queues hang on, the form the rest."""
        data = form.cleaned_data
        given = {name: data[name] for name in BY_OPERATION}
        if change:
            update_channel(channel_id=obj.pk, auth_key=data["key"] or None, actor=actor_of(request), **given)
        else:
            obj.pk = connect_channel(
                code=data["code"], auth_key=data["key"], actor=actor_of(request), **given
            ).channel_id
        rest = {name: data[name] for name in ("use_vendor_stock", "use_inflight_stock", "feed_template")}
        Channel.objects.filter(pk=obj.pk).update(**rest)

    def saved(self, request: HttpRequest, form: ModelForm[Channel]) -> str:  # noqa: ARG002 - the framework's signature
        """Tell it all that a changed setting, or something it has learned to be told, is about."""
        changed, pk = set(form.changed_data), form.instance.pk
        learned = set(form.cleaned_data["capabilities"]) - set(form.initial.get("capabilities", ()))
        catalog = (
            publish_whole_catalog(channel_ids=[pk])
            if "feed_template" in changed or CATALOG_PUSH in learned
            else 0
        )
        inventory = (
            publish_channel(channel_id=pk) if changed & OFFER_SETTINGS or INVENTORY_PUSH in learned else 0
        )
        return formats.pushes(catalog=catalog, inventory=inventory)

    def get_urls(self) -> list[URLPattern]:
        """Add the health page."""
        view = self.admin_site.admin_view(self.health_view)
        return [path("<int:channel_id>/health/", view, name="channel_health"), *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Lead from the settings to the page."""
        page = self.get_object(request, object_id)
        links = [("Health and actions", reverse("admin:channel_health", args=[page.pk]))] if page else []
        response: HttpResponse = super().change_view(
            request, object_id, form_url, {"list_links": links, **(extra_context or {})}
        )
        return response

    def health_view(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        """How the channel is, and what to do about it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        channel = get_object_or_404(Channel.objects.select_related("queue", "channelcursor"), pk=channel_id)
        result = run_action(request, channel_actions(channel))
        if isinstance(result, HttpResponse):
            return result
        state = next(state for state in channel_states() if state.id == channel.pk)
        context = {
            "state": state.health,
            "cards": health_cards(channel, state),
            "tables": [tasks_table(channel), violations_table(channel), rejected_table(channel)],
            "panels": result,
            "back": (reverse("admin:channels_channel_changelist"), "channels"),
        }
        return console_page(request, "console/record.html", channel.name, context)


@register(FeedTemplate, site=site)
class FeedTemplateAdmin(ConsoleAdmin[FeedTemplate]):
    """JSON-e templates of product feeds."""

    keyset = "name"
    search_fields = ("name__startswith",)
    deletable = True
    fields = ("name", "template", "preview")
    readonly_fields = ("preview",)

    def saved(self, request: HttpRequest, form: ModelForm[FeedTemplate]) -> str:  # noqa: ARG002 - the framework's signature
        """Everything that it renders."""
        if "template" not in form.changed_data:
            return ""
        channels = Channel.objects.filter(feed_template=form.instance).values_list("id", flat=True)
        return formats.pushes(catalog=publish_whole_catalog(channel_ids=set(channels)))

    @display(description="Preview")
    def preview(self, template: FeedTemplate) -> str:
        """The feed of one listed product as the stored template renders it, or what is wrong with the template."""
        listing = Listing.objects.filter(enabled=True).select_related("channel", "sku").order_by("id").first()
        if not template.pk or listing is None:
            return "Save the template and list a SKU on a channel to see a product rendered."
        channel = listing.channel
        channel.feed_template = template
        try:
            feed = render_feed(channel=channel, product_ids=[listing.sku.product_id])
        except FeedError as error:
            return formats.code(str(error))
        return formats.code(feed)


class WaitingFilter(SimpleListFilter):
    """Whether a later pull brought the order in."""

    title = "still outside"
    parameter_name = "waiting"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:  # noqa: ARG002 - the framework's signature
        """Yes or no."""
        return [("yes", "yes"), ("no", "no, imported since")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[RejectedOrder]) -> QuerySet[RejectedOrder]:  # noqa: ARG002 - the framework's signature
        """Filter."""
        return (
            queryset if self.value() is None else queryset.filter(imported_at__isnull=self.value() == "yes")
        )


@register(RejectedOrder, site=site)
class RejectedOrderAdmin(ReadOnlyAdmin[RejectedOrder]):
    """Orders that channels offered and that could not be imported."""

    keyset = "-id"
    list_display = ("channel_refnum", "channel", "reason", "count", "last_seen", "imported")
    list_filter = ("channel", WaitingFilter)
    list_select_related = ("channel",)
    search_fields = ("channel_refnum__exact",)
    next_step = "Orders that can't be imported will be listed here with the reason."

    last_seen = column("Last offered", lambda row: formats.moment(row.last_seen_at))
    imported = column("Imported", lambda row: formats.moment(row.imported_at))


@register(ContractViolation, site=site)
class ContractViolationAdmin(ReadOnlyAdmin[ContractViolation]):
    """Rules of the contract that channels' replies broke."""

    keyset = "-id"
    list_display = ("interaction", "channel", "path", "message", "count", "last_seen")
    list_filter = ("channel",)
    list_select_related = ("channel",)

    last_seen = column("Last seen", lambda row: formats.moment(row.last_seen_at))
