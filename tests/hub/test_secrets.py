"""Secrets are unreadable in the database, bound to their column, and survive a change of keys."""

import base64
import logging
from collections.abc import Iterator

import pytest
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import connection, models
from django.test.utils import isolate_apps
from pytest_django.fixtures import Settings

from retailops.hub.secrets import (
    EncryptedTextField,
    SecretError,
    SecretText,
    decrypt,
    encrypt,
    last4,
    rotate,
    rotate_column,
)

OLD = base64.b64encode(b"o" * 32).decode()
NEW = base64.b64encode(b"n" * 32).decode()
CANARY = "canary-7f3a-secret-of-a-channel"
HERE = "channels.channel.auth_key"


@pytest.fixture(autouse=True)
def keys(settings: Settings) -> None:
    settings.RETAILOPS_ENCRYPTION_KEYS = (OLD,)


def test_the_stored_form() -> None:
    stored = encrypt(CANARY, HERE)
    version, key_id, encoded = stored.split(":")
    assert (version, len(key_id)) == ("v1", 8)
    # 12 bytes of nonce, the text, 16 bytes of tag
    assert len(base64.b64decode(encoded, validate=True)) == 12 + len(CANARY) + 16
    assert stored != encrypt(CANARY, HERE)
    assert decrypt(stored, HERE) == CANARY


@pytest.mark.parametrize("text", ["", "a", "Schlüssel 鍵", "v1:looks:encrypted", "x" * 100_000])
def test_any_text_comes_back(text: str) -> None:
    assert decrypt(encrypt(text, HERE), HERE) == text


def test_repr_is_masked() -> None:
    secret = decrypt(encrypt(CANARY, HERE), HERE)
    assert repr(secret) == "<secret …nnel>"
    assert CANARY not in repr([secret]) + repr({"key": secret}) + f"{secret!r}"
    assert secret == CANARY


@pytest.mark.parametrize(
    "value,shown", [("", ""), ("abc", ""), ("abcdefgh", "gh"), ("0123456789abcdef", "cdef"), (CANARY, "nnel")]
)
def test_last4_shows_at_most_a_quarter(value: str, shown: str) -> None:
    assert last4(value) == shown


def test_rotation(settings: Settings) -> None:
    before = encrypt(CANARY, HERE)
    settings.RETAILOPS_ENCRYPTION_KEYS = (NEW, OLD)
    after = rotate(before, HERE)
    assert after.split(":")[1] != before.split(":")[1]
    assert rotate(after, HERE) == after
    assert decrypt(before, HERE) == decrypt(after, HERE) == CANARY
    settings.RETAILOPS_ENCRYPTION_KEYS = (NEW,)
    assert decrypt(after, HERE) == CANARY
    with pytest.raises(
        SecretError, match=r"^channels\.channel\.auth_key is encrypted with key '\w{8}', which is"
    ):
        decrypt(before, HERE)


def test_a_value_does_not_open_elsewhere() -> None:
    with pytest.raises(
        SecretError, match=r"^vendors\.vendor\.key cannot be decrypted with key '\w{8}' of RETAILOPS_"
    ):
        decrypt(encrypt(CANARY, HERE), "vendors.vendor.key")


@pytest.mark.parametrize("damage", ["cut", "flipped", "not base64", "empty"])
def test_altered_values(damage: str) -> None:
    head, _, encoded = encrypt(CANARY, HERE).rpartition(":")
    raw = bytearray(base64.b64decode(encoded))
    raw[20] ^= 1
    altered = {
        "cut": encoded[:-8],
        "flipped": base64.b64encode(raw).decode(),
        "not base64": "!" + encoded[1:],
        "empty": "",
    }[damage]
    with pytest.raises(SecretError, match="RETAILOPS_ENCRYPTION_KEYS: the value was altered"):
        decrypt(f"{head}:{altered}", HERE)


def test_a_plain_value_is_not_quoted_in_the_error() -> None:
    with pytest.raises(SecretError, match="holds a value that is not encrypted") as failure:
        decrypt(CANARY, HERE)
    assert CANARY not in str(failure.value)


@pytest.mark.parametrize(
    "configured,problem",
    [
        ((), "^RETAILOPS_ENCRYPTION_KEYS is empty: "),
        ((OLD, "short"), "^RETAILOPS_ENCRYPTION_KEYS: key 2 is not base64 of 32 bytes$"),
        (
            (base64.b64encode(b"x" * 16).decode(),),
            "^RETAILOPS_ENCRYPTION_KEYS: key 1 is not base64 of 32 bytes$",
        ),
    ],
)
def test_unusable_keys_name_the_setting(
    settings: Settings, configured: tuple[str, ...], problem: str
) -> None:
    settings.RETAILOPS_ENCRYPTION_KEYS = configured
    with pytest.raises(ImproperlyConfigured, match=problem):
        encrypt(CANARY, HERE)


@pytest.fixture
def vault(transactional_db: None) -> Iterator[type[models.Model]]:
    """A table with an encrypted column."""
    with isolate_apps("retailops.hub.channels"):

        class Vault(models.Model):  # noqa: DJ008 - never shown
            key = EncryptedTextField()

            class Meta:
                app_label = "channels"

    with connection.schema_editor() as editor:
        editor.create_model(Vault)
    yield Vault
    with connection.schema_editor() as editor:
        editor.delete_model(Vault)


def stored_values() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM channels_vault ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def test_the_column_is_encrypted(vault: type[models.Model], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        one = vault._base_manager.create(key=CANARY)
        vault._base_manager.bulk_create([vault(key=CANARY), vault(key="")])
        vault._base_manager.filter(pk=one.pk).update(key=CANARY + "2")
        vault._base_manager.bulk_update([vault(pk=one.pk, key=CANARY + "3")], ["key"])
    first, second, empty = stored_values()
    assert first.startswith("v1:")
    assert second.startswith("v1:")
    assert empty == ""
    loaded = list(vault._base_manager.order_by("pk").values_list("key", flat=True))
    assert loaded == [CANARY + "3", CANARY, ""]
    assert [type(value) for value in loaded] == [SecretText, SecretText, SecretText]
    assert CANARY not in caplog.text


def test_the_column_cannot_be_searched(vault: type[models.Model]) -> None:
    assert vault._base_manager.filter(key__isnull=True).count() == 0
    for lookup in ("key", "key__in", "key__startswith", "key__contains"):
        with pytest.raises(FieldError, match="Unsupported lookup"):
            vault._base_manager.filter(**{lookup: CANARY}).count()


def test_rotating_a_column(vault: type[models.Model], settings: Settings) -> None:
    texts = [f"{CANARY}-{number}" for number in range(5)]
    vault._base_manager.bulk_create([vault(key=text) for text in [*texts, ""]])
    settings.RETAILOPS_ENCRYPTION_KEYS = (NEW, OLD)
    vault._base_manager.create(key="already new")
    assert rotate_column(vault, "key", batch_size=2) == 5
    assert rotate_column(vault, "key", batch_size=2) == 0
    settings.RETAILOPS_ENCRYPTION_KEYS = (NEW,)
    loaded = list(vault._base_manager.order_by("pk").values_list("key", flat=True))
    assert loaded == [*texts, "", "already new"]


def test_no_automatic_form_shows_it() -> None:
    field = EncryptedTextField()
    assert field.deconstruct()[3] == {"editable": False, "serialize": False}
