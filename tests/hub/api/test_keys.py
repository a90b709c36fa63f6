"""API keys: their form, their powers, and who is told what when they don't fit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from retailops.hub.accounts.keys import generate, hash_of, public_id_of
from retailops.hub.accounts.models import ApiKey
from retailops.hub.accounts.operations.create_api_key import ApiKeyError, create_api_key
from retailops.hub.accounts.operations.revoke_api_key import revoke_api_key
from retailops.hub.audit.models import AuditEntry
from tests.hub.api.world import Api, World

FETCH = "/Constant/Ship/CarrierClass/Fetch.json"


def test_a_key_is_recognised_and_one_wrong_character_is_not() -> None:
    key = generate()
    assert key.text.startswith(f"ro_live_{key.public_id}_")
    assert public_id_of(key.text) == key.public_id
    for position in range(len("ro_live_"), len(key.text)):
        wrong = "a" if key.text[position] != "a" else "b"
        assert public_id_of(key.text[:position] + wrong + key.text[position + 1 :]) is None


def test_only_the_hash_is_stored(world: World) -> None:
    text = world.key()
    stored = ApiKey.objects.get()
    assert bytes(stored.secret_hash) == hash_of(text)
    assert text[-38:] not in str(ApiKey.objects.values())


def test_creation_and_revocation_are_audited_without_the_secret(world: World) -> None:
    created = create_api_key(user_id=world.user.pk, name="pump", actor="user:ann", vendor_id=world.acme.pk)
    assert revoke_api_key(key_id=created.id, actor="user:bob") is True
    assert revoke_api_key(key_id=created.id, actor="user:bob") is False
    entries = list(
        AuditEntry.objects.filter(subject__startswith="api_key:")
        .order_by("id")
        .values_list("actor", "action", "subject")
    )
    assert entries == [
        ("user:ann", "api_key_created", f"api_key:{created.id}"),
        ("user:bob", "api_key_revoked", f"api_key:{created.id}"),
    ]
    assert created.key[-38:] not in str(AuditEntry.objects.values_list("data", flat=True))


def test_a_key_has_one_scope(world: World) -> None:
    with pytest.raises(ApiKeyError, match="not both"):
        world.key(vendor_id=world.acme.pk, facility_id=world.main.pk)
    with pytest.raises(IntegrityError):
        ApiKey.objects.create(
            public_id="x", secret_hash=b"", name="", user=world.user, vendor=world.acme, facility=world.main
        )


def test_without_a_key_401(world: World) -> None:
    answer = Api("")(FETCH)
    assert (answer.status, answer.code) == (401, "MISSING_APIKEY")


def test_unknown_revoked_expired_and_switched_off_keys_look_the_same(world: World) -> None:
    revoked = create_api_key(user_id=world.user.pk, name="", actor="test")
    revoke_api_key(key_id=revoked.id, actor="test")
    expired = world.key(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    known = world.key()
    forged = known[:20] + "_" + generate().text[21:]
    bodies = set()
    for key in (generate().text, "nonsense", "é", forged, revoked.key, expired):
        answer = Api(key)(FETCH) if key.isascii() else Api("x")(FETCH)
        assert answer.status == 401
        bodies.add((answer.code, answer.body["ERROR"]))
    assert len(bodies) == 1
    assert Api(known)(FETCH).status == 200
    world.user.is_active = False
    world.user.save()
    assert Api(known)(FETCH).code == "INVALID_APIKEY"


def test_the_right_public_id_with_another_secret_is_refused(world: World) -> None:
    mine, other = generate(), generate()
    ApiKey.objects.create(public_id=mine.public_id, secret_hash=hash_of(other.text), name="", user=world.user)
    assert Api(mine.text)(FETCH).code == "INVALID_APIKEY"


@pytest.mark.parametrize("name", ["apikey", "ApiKey"])
def test_a_key_in_the_query_string_is_refused_even_beside_the_header(world: World, name: str) -> None:
    key = world.key()
    answer = Api(key)(f"{FETCH}?{name}={key}")
    assert (answer.status, answer.code) == (401, "MISSING_APIKEY")
    assert key not in answer.body["ERROR"]


def test_keys_may_only_call_what_their_scope_and_prefixes_allow(world: World) -> None:
    vendor = world.api(vendor_id=world.acme.pk)
    for path in (
        "/Customer/Order/Fetch.json",
        "/Inventory/Stock/Fetch.json",
        "/Fulfillment/Shipment/Complete.json",
    ):
        answer = vendor(path)
        assert (answer.status, answer.code) == (403, "ACTION_FORBIDDEN")
    assert world.api(facility_id=world.main.pk)("/Vendor/PO/Fetch.json").code == "ACTION_FORBIDDEN"
    narrow = world.api(vendor_id=world.acme.pk, actions=["vendor.po"])
    assert narrow("/Vendor/PO/Fetch.json").status == 200
    assert narrow(FETCH).code == "ACTION_FORBIDDEN"
    # A prefix ends where a part of the name ends.
    assert (
        world.api(vendor_id=world.acme.pk, actions=["Vendor.P"])("/Vendor/PO/Fetch.json").code
        == "ACTION_FORBIDDEN"
    )


def test_last_use_is_noted_once_a_minute(world: World) -> None:
    api = world.api()
    with CaptureQueriesContext(connection) as first:
        api(FETCH)
    with CaptureQueriesContext(connection) as second:
        api(FETCH)
    assert (len(first), len(second)) == (2, 1)
    assert ApiKey.objects.get().last_used_at is not None
