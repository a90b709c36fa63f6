"""Constant.Ship.CarrierClass.Fetch: what may be given as ship_class_id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from retailops.hub.api.carriers import CARRIER_CLASSES, CarrierClass
from retailops.hub.api.loose import Flag, Id, OneOrMany
from retailops.hub.api.params import Many, Params
from retailops.hub.api.principal import Principal, Scope
from retailops.hub.api.registry import Query


class FetchCarrierClasses(Params):
    """All classes, or those of a carrier, or those with given ids. `all` is accepted for older clients; all are active."""

    all: Flag = True
    carrier_id: Id | None = None
    ids: Annotated[Many[Id] | None, OneOrMany] = None


@dataclass(frozen=True, slots=True)
class CarrierClasses:
    """Classes by id."""

    records: Sequence[CarrierClass]


def fetch_carrier_classes(principal: Principal, params: FetchCarrierClasses) -> CarrierClasses:  # noqa: ARG001 - the same for all
    """Return carrier classes by id."""
    return CarrierClasses(
        [
            each
            for _, each in sorted(CARRIER_CLASSES.items())
            if params.carrier_id in (None, each.carrier_id) and (params.ids is None or each.id in params.ids)
        ]
    )


FETCH = Query(
    name="Constant.Ship.CarrierClass.Fetch",
    scope=Scope.ANY,
    request=FetchCarrierClasses,
    answer=CarrierClasses,
    handler=fetch_carrier_classes,
    example={"all": 1},
)
