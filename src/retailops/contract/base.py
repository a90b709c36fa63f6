"""The ground all wire models stand on: types, the request envelope, addresses and attributes.

Models describe the contract of 2022. Validation is strict by default: what we build and what a channel is held
to. Channels written for the older schemas are read with the context `ACCEPTING`, under which `Soft` rules and
`required_2022` fields do not apply. Absent and null are both None, and None is never written.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Final, Literal, Self, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails, core_schema

from retailops.contract.strict_json import dump

ACCEPTING: Final = {"accepting": "older schemas"}


Entry = TypeVar("Entry")
# Arrays inside an order or event: the first bad entry is enough to refuse it, and a million must not cost a million.
Array: TypeAlias = Annotated[list[Entry], Field(fail_fast=True)]


class WireModel(BaseModel):
    """Immutable, strictly typed; fields the contract does not know are ignored."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True
    )

    required_2022: ClassVar[tuple[str, ...]] = ()


class Demanding(WireModel):
    """A model with fields that the 2022 contract requires and the older schemas do not (`required_2022`)."""

    @model_validator(mode="after")
    def _demand(self, info: ValidationInfo) -> Self:
        missing = [name for name in self.required_2022 if getattr(self, name) is None]
        if missing and info.context is not ACCEPTING:
            errors = [InitErrorDetails(type="missing", loc=(name,), input=None) for name in missing]
            raise ValidationError.from_exception_data(type(self).__name__, errors)
        return self


@dataclass(frozen=True, eq=False)
class Soft:
    """A rule of the 2022 contract that channels of the older schemas may break.

    `allows` decides, `rule` says it in words, `schema` in JSON Schema.
    """

    allows: Callable[[object], bool]
    rule: str
    schema: dict[str, object]

    def _check(self, value: object, info: ValidationInfo) -> object:
        if info.context is not ACCEPTING and not self.allows(value):
            raise ValueError(self.rule)
        return value

    def __get_pydantic_core_schema__(self, source: type[object], handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, object]:
        return handler(schema) | self.schema


def one_of(*values: str) -> Soft:
    """An enum of the 2022 contract."""
    return Soft(lambda value: value in values, f"must be one of {', '.join(values)}", {"enum": list(values)})


def length(low: int, high: int) -> Soft:
    """String length in characters."""
    rule = f"must have {low} to {high} characters"
    limits: dict[str, object] = {"minLength": low, "maxLength": high}
    return Soft(lambda value: isinstance(value, str) and low <= len(value) <= high, rule, limits)


def at_most(count: int) -> Soft:
    """Number of entries in an array."""
    rule = f"must have at most {count} entries"
    return Soft(lambda value: isinstance(value, list) and len(value) <= count, rule, {"maxItems": count})


def _whole(value: object) -> object:
    # JSON has one number type, so 1.0 is the integer 1.
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value


def _exact(value: object) -> object:
    return Decimal(value) if type(value) is int else value


def _moment(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        if info.context is ACCEPTING:
            return None
        message = "must be a date and time as in 2026-01-31T09:30:00Z"
        raise ValueError(message) from None
    if info.context is not ACCEPTING:
        message = "must end in Z or an offset such as +01:00"
        raise ValueError(message)
    return moment.replace(tzinfo=UTC)


_LARGEST: Final = Decimal("9999999999.9999")  # what the hub's NUMERIC(14,4) columns hold

Integer: TypeAlias = Annotated[int, Field(ge=-(2**63), lt=2**63), BeforeValidator(_whole)]
Quantity: TypeAlias = Annotated[int, Field(ge=0, lt=2**31), BeforeValidator(_whole)]
Number: TypeAlias = Annotated[
    Decimal, Field(ge=-_LARGEST, le=_LARGEST), BeforeValidator(_exact), WithJsonSchema({"type": "number"})
]
Money: TypeAlias = Number
Price: TypeAlias = Annotated[
    Decimal,
    Field(ge=0, le=_LARGEST),
    BeforeValidator(_exact),
    WithJsonSchema({"type": "number", "minimum": 0}),
]
Refnum: TypeAlias = Annotated[str, Field(min_length=1, max_length=255)]
# Unreadable under ACCEPTING becomes None: a bad date must not cost an order.
Moment: TypeAlias = Annotated[
    datetime | None, BeforeValidator(_moment), WithJsonSchema({"type": "string", "format": "date-time"})
]
Currency: TypeAlias = Literal[
    "AUD", "CAD", "CHF", "EUR", "GBP", "HKD", "JPY", "MXN", "NZD", "PLN", "SGD", "USD"
]


class ChannelInfo(WireModel):
    """The channel the request is for, by the hub's id."""

    id: Integer | None = None


class Envelope(WireModel):
    """What every request begins with. `action` is the plain interaction name, `version` 1."""

    integration_auth_token: str | None = None
    action: str
    version: Integer
    client_id: Integer
    channel_info: ChannelInfo


class Attribute(WireModel):
    """A custom field. `handle` names it."""

    attribute_type: Annotated[str, one_of("text", "number", "select", "multiselect")] | None = None
    handle: Annotated[str, length(2, 100)] | None = None
    value: Annotated[str, length(2, 100)] | None = None


Tags: TypeAlias = Annotated[list[str], Field(fail_fast=True), at_most(100)]


class Address(WireModel):
    """`state_match` and `country_match` hold an ISO code or a full name."""

    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    state_match: str | None = None
    country_match: str | None = None
    postal_code: str | None = None
    phone_number: str | None = None
    attributes: Array[Attribute] | None = None


def to_wire(model: WireModel) -> bytes:
    """The model as JSON: wire names, absent fields left out, money exact."""
    return dump(model.model_dump(by_alias=True, exclude_none=True))
