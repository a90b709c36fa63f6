"""Make an API key and show it once."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.forms import CharField, DateTimeField, ModelChoiceField
from django.http import HttpRequest, HttpResponse

from retailops.hub.accounts.models import User
from retailops.hub.accounts.operations.create_api_key import ApiKeyError, create_api_key
from retailops.hub.console.pages import ConsoleForm, actor_of, allowed, console_page
from retailops.hub.purchasing.models import Vendor
from retailops.hub.stock.models import Facility


class KeyForm(ConsoleForm):
    """Whose key it is and what it may do."""

    name = CharField(max_length=100, help_text="What uses it, such as “Summit's warehouse system”")
    user = ModelChoiceField(
        User.objects.filter(is_active=True).order_by("username"), label="Who answers for it", empty_label=None
    )
    vendor = ModelChoiceField(Vendor.objects.order_by("code"), required=False, empty_label="no vendor")
    facility = ModelChoiceField(Facility.objects.order_by("code"), required=False, empty_label="no facility")
    actions = CharField(
        required=False, max_length=1000,
        help_text="Allowed actions or beginnings of their names, separated by commas, such as Vendor.PO; none: all of its scope",
    )  # fmt: skip
    expires_at = DateTimeField(
        required=False, label="Expires (UTC)", help_text="Such as 2030-12-31 23:59; none: never"
    )


def new_api_key(request: HttpRequest) -> HttpResponse:
    """Ask, make the key, show it."""
    if not allowed(request, "accounts.add_apikey"):
        raise PermissionDenied
    form = KeyForm(request.POST or None, initial={"user": request.user.pk})
    context: dict[str, object] = {
        "form": form, "submit": "Make the key",
        "intro": "With a vendor or facility the key sees only what is theirs; with neither it is an operator's.",
    }  # fmt: skip
    if request.method == "POST" and form.is_valid():
        try:
            context["secret"] = _make(form, actor_of(request))
        except ApiKeyError as error:
            form.add_error(None, str(error))
    response = console_page(request, "console/form_page.html", "New API key", context)
    response["Cache-Control"] = "no-store"
    return response


def _make(form: KeyForm, actor: str) -> str:
    data = form.cleaned_data
    made = create_api_key(
        user_id=data["user"].pk,
        name=data["name"],
        actor=actor,
        vendor_id=data["vendor"].pk if data["vendor"] else None,
        facility_id=data["facility"].pk if data["facility"] else None,
        actions=[name.strip() for name in data["actions"].split(",") if name.strip()],
        expires_at=data["expires_at"],
    )
    return made.key
