"""The retailer that the API's tests call. Imports wait: Django isn't set up when this file is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.hub.api.world import Api, World


@pytest.fixture
def world(db: None) -> World:
    from tests.hub.api.world import build_world

    return build_world()


@pytest.fixture
def vendor(world: World) -> Api:
    return world.api(vendor_id=world.acme.pk)


@pytest.fixture
def warehouse(world: World) -> Api:
    return world.api(facility_id=world.main.pk)


@pytest.fixture
def operator(world: World) -> Api:
    return world.api()
