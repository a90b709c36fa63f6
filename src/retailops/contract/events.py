"""Events: how a channel says what went wrong, or anything else worth a line in the hub's log."""

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, ValidationInfo

from retailops.contract.base import ACCEPTING, Array, WireModel, one_of
from retailops.contract.strict_json import dump


def _as_text(value: object, info: ValidationInfo) -> object:
    # An error report with a numeric code or a list as diagnostics is still an error report: keep it, as text.
    if info.context is not ACCEPTING or value is None or isinstance(value, str):
        return value
    return dump(value).decode()


Text: TypeAlias = Annotated[str, BeforeValidator(_as_text)]


class Association(WireModel):
    """The object an event is about. `*_id` are the hub's ids, `*_refnum` the channel's."""

    identifier_type: (
        Annotated[
            str,
            one_of(
                "order_id",
                "order_refnum",
                "orderitem_id",
                "orderitem_refnum",
                "shipment_id",
                "shipmentitem_id",
                "product_id",
                "sku_number",
            ),
        ]
        | None
    ) = None
    identifier: Text | None = None


class Event(WireModel):
    """One entry of the channel's report; no field of it is required."""

    event_type: Annotated[str, one_of("error", "warning", "info")] | None = None
    code: Text | None = None
    message: Text | None = None
    diagnostic_data: Text | None = None
    associations: Array[Association] | None = None


class EventsResponse(WireModel):
    """The whole answer of most interactions."""

    events: list[Event] | None = None
