"""Users and roles in the console."""

from django.contrib.admin import register
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm  # type: ignore[import-untyped]

from retailops.hub.accounts.models import ApiKey, User
from retailops.hub.accounts.operations.revoke_api_key import revoke_api_key
from retailops.hub.console import formats
from retailops.hub.console.admin_base import ConsoleAdmin, Fact, RecordAdmin, column
from retailops.hub.console.pages import Action, ConsoleForm
from retailops.hub.console.site import site


@register(User, site=site)
class ConsoleUserAdmin(UserAdmin, ConsoleAdmin[User]):  # type: ignore[misc,type-arg] # not generic at run time
    """People who may use the console. Users are switched off, never deleted: the ledgers name them."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    keyset = "username"
    ordering = ("username",)
    list_display = ("username", "full_name", "email", "active", "administrator", "seen")
    list_filter = ("is_active", "groups")
    search_fields = ("username__istartswith", "email__istartswith")
    csv_fields = ("username", "first_name", "last_name", "email", "is_active", "last_login")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
    )
    add_fieldsets = (
        (
            None,
            {"classes": ("wide",), "fields": ("username", "password1", "password2", "is_staff", "groups")},
        ),
    )
    filter_horizontal = ()
    autocomplete_fields = ("groups",)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:  # noqa: ARG002
        """Only superusers make superusers."""
        return () if request.user.is_superuser else ("is_superuser",)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Nobody takes over the account of somebody who may do more."""
        above = obj is not None and obj.is_superuser and not request.user.is_superuser
        return not above and bool(super().has_change_permission(request, obj))

    full_name = column("Name", lambda user: user.get_full_name() or formats.EMPTY)
    active = column("Active", lambda user: formats.yes_no(user.is_active))
    administrator = column("Superuser", lambda user: formats.yes_no(user.is_superuser))
    seen = column("Last login", lambda user: formats.moment(user.last_login))


@register(Group, site=site)
class ConsoleGroupAdmin(GroupAdmin, ConsoleAdmin[Group]):  # type: ignore[misc] # both are generic ModelAdmins
    """Roles: what their users may see and do."""

    keyset = "name"
    search_fields = ("name__istartswith",)


@register(ApiKey, site=site)
class ApiKeyAdmin(RecordAdmin[ApiKey]):
    """Keys to the RetailOps API. A key is shown once, when it is made."""

    keyset = "-id"
    list_display = ("name", "public_id", "scope", "user", "state_chip", "created", "used", "expires")
    list_select_related = ("user", "vendor", "facility")
    search_fields = ("public_id__exact",)
    search_help_text = "Public id: the part of a key after ro_live_"
    csv_fields = (
        "public_id",
        "name",
        "user__username",
        "vendor__code",
        "facility__code",
        "created_at",
        "expires_at",
        "revoked_at",
        "last_used_at",
    )
    screens = (("New key", "new_api_key", "accounts.add_apikey"),)
    next_step = "Make a key for each vendor or program that calls the hub."

    scope = column(
        "For",
        lambda key: (
            f"vendor {key.vendor}"
            if key.vendor
            else f"facility {key.facility}"
            if key.facility
            else "operator"
        ),
    )
    state_chip = column("State", lambda key: formats.chip("revoked" if key.revoked_at else "active"))
    created = column("Made", lambda key: formats.moment(key.created_at))
    used = column("Last used", lambda key: formats.moment(key.last_used_at))
    expires = column("Expires", lambda key: formats.moment(key.expires_at))

    def get_title(self, obj: ApiKey) -> str:
        """Its name."""
        return f"API key {obj.name}"

    def get_state(self, obj: ApiKey) -> str:
        """Whether it opens anything."""
        return "revoked" if obj.revoked_at else "active"

    def get_facts(self, obj: ApiKey) -> list[Fact]:
        """Whose it is and what it may do."""
        return [
            ("Begins with", str(obj)),
            ("Who answers for it", obj.user),
            ("Vendor", obj.vendor or formats.EMPTY),
            ("Facility", obj.facility or formats.EMPTY),
            ("Actions", ", ".join(obj.actions) or "all that its scope allows"),
            ("Failures", obj.get_http_status_mode_display()),
            ("Made", formats.moment(obj.created_at)),
            ("Expires", formats.moment(obj.expires_at)),
            ("Revoked", formats.moment(obj.revoked_at)),
            ("Last used", formats.moment(obj.last_used_at)),
        ]

    def get_record_actions(self, obj: ApiKey) -> list[Action]:
        """Revoke it."""

        def run(_data: object, actor: str) -> str:
            return "revoked" if revoke_api_key(key_id=obj.pk, actor=actor) else "it was revoked before"

        revoke = Action(
            "revoke", "Revoke", "accounts.change_apikey", ConsoleForm, run, "Revoke the key", "key_off",
            "It opens nothing from now on. This can't be undone.", danger=True,
        )  # fmt: skip
        return [] if obj.revoked_at else [revoke]
