"""Secrets at rest: a text column encrypted with AES-256-GCM.

Stored as `v1:KEYID:BASE64` (the nonce, then the ciphertext with its tag). Keys are in the setting
RETAILOPS_ENCRYPTION_KEYS, newest first: the first encrypts, any of them decrypts. To rotate, put a new key in front,
restart, run `rotate_column` for each column, and take the old key out.
"""

import base64
import binascii
import hashlib
import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Expression
from django.db.models.functions import Cast

SETTING = "RETAILOPS_ENCRYPTION_KEYS"

_VERSION = "v1"
_KEY_BYTES = 32
_NONCE_BYTES = 12


class SecretError(Exception):
    """A stored secret cannot be decrypted; the message names the column and the setting, never the secret."""


class SecretText(str):
    """A secret read from the database: the text itself, but its `repr` (in logs, tracebacks, shells) is masked."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<secret …{last4(self)}>"


def last4(value: str) -> str:
    """The end of a secret, for people to tell keys apart; at most a quarter of it, so "" for a short one."""
    shown = min(4, len(value) // 4)
    return value[len(value) - shown :]


def encrypt(plaintext: str, context: str) -> str:
    """The text to store. `context` must be the same at `decrypt`: a stored value is of no use in another column.

    Raises ImproperlyConfigured without a usable key.
    """
    key_id, key = next(iter(_keys().items()))
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, plaintext.encode(), context.encode())
    return f"{_VERSION}:{key_id}:{base64.b64encode(nonce + sealed).decode()}"


def decrypt(stored: str, context: str) -> SecretText:
    """The plaintext of what `encrypt` returned. Raises SecretError, or ImproperlyConfigured without a usable key."""
    version, _, rest = stored.partition(":")
    key_id, _, encoded = rest.partition(":")
    if version != _VERSION:
        raise SecretError(f"{context} holds a value that is not encrypted: it was not written by RetailOps")
    key = _keys().get(key_id)
    if key is None:
        raise SecretError(
            f"{context} is encrypted with key {key_id!r}, which is not in {SETTING}: add that key back"
        )
    try:
        sealed = base64.b64decode(encoded, validate=True)
        opened = AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context.encode())
    except (binascii.Error, ValueError, InvalidTag):
        # `from None`: what cryptography was given stays out of tracebacks.
        raise SecretError(
            f"{context} cannot be decrypted with key {key_id!r} of {SETTING}: the value was altered, or comes"
            " from another column. Enter the secret anew"
        ) from None
    return SecretText(opened.decode())


def rotate(stored: str, context: str) -> str:
    """The same secret under the newest key; unchanged if it is already. Raises as `decrypt`."""
    if stored.startswith(_newest_prefix()):
        return stored
    return encrypt(decrypt(stored, context), context)


def rotate_column(model: type[models.Model], name: str, *, batch_size: int = 500) -> int:
    """Re-encrypt a column's rows that are not under the newest key, in small transactions; returns how many.

    Safe to run beside the hub, to interrupt and to repeat. Raises as `decrypt`.
    """
    context = f"{model._meta.label_lower}.{name}"
    manager = model._base_manager  # noqa: SLF001 - the documented name of the unfiltered manager
    rows = manager.annotate(stored=Cast(name, models.TextField()))
    old = rows.filter(stored__gt="").exclude(stored__startswith=_newest_prefix())
    count = 0
    while True:
        with transaction.atomic():
            batch = list(old.select_for_update().order_by("pk").values_list("pk", "stored")[:batch_size])
            for key, stored in batch:
                manager.filter(pk=key).update(**{name: decrypt(stored, context)})
        if not batch:
            return count
        count += len(batch)


if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField


class EncryptedTextField(_TextField):
    """A text column whose values are encrypted in the database and plain in Python (`SecretText` once loaded).

    The associated data is "app_label.model.field": a value copied to another column does not decrypt. A value copied
    to another *row* of the column does, because a row's id is not known when it is inserted. Renaming the model or
    the field needs the values entered anew. The empty string is stored as it is.

    The column cannot be searched, is left out of `dumpdata`, and is in no form unless the form declares an input of
    its own: an automatic one would show the secret.
    """

    def __init__(self, *args: object, **options: object) -> None:
        options.setdefault("editable", False)
        options.setdefault("serialize", False)
        super().__init__(*args, **options)  # type: ignore[arg-type]  # passed on as they came

    @property
    def context(self) -> str:
        """The associated data, "app_label.model.field"."""
        return f"{self.model._meta.label_lower}.{self.name}"

    def get_db_prep_save(self, value: object, connection: BaseDatabaseWrapper) -> object:  # noqa: ARG002 - Django's
        """Encrypt on the way in."""
        # bulk_update brings an expression first, then the texts within it.
        if value is None or value == "" or hasattr(value, "as_sql"):
            return value
        return encrypt(str(value), self.context)

    def from_db_value(
        self,
        value: str | None,
        expression: Expression,  # noqa: ARG002 - Django's
        connection: BaseDatabaseWrapper,  # noqa: ARG002 - Django's
    ) -> SecretText | None:
        """Decrypt on the way out. Raises SecretError."""
        if not value:
            return None if value is None else SecretText()
        return decrypt(value, self.context)

    def get_lookup(self, lookup_name: str) -> "type[models.Lookup[object]] | None":
        """Nothing but `isnull`: the same secret is stored differently each time."""
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None


def _newest_prefix() -> str:
    return f"{_VERSION}:{next(iter(_keys()))}:"


def _keys() -> dict[str, bytes]:
    """Key by key id, newest first. The id is a hash's start: it tells keys apart and nothing about them."""
    keys = {}
    for position, text in enumerate(settings.RETAILOPS_ENCRYPTION_KEYS, start=1):
        try:
            key = base64.b64decode(text, validate=True)
        except ValueError:
            key = b""
        if len(key) != _KEY_BYTES:
            raise ImproperlyConfigured(f"{SETTING}: key {position} is not base64 of {_KEY_BYTES} bytes")
        keys[hashlib.sha256(key).hexdigest()[:8]] = key
    if not keys:
        raise ImproperlyConfigured(
            f"{SETTING} is empty: secrets can be neither stored nor read without a key"
        )
    return keys
