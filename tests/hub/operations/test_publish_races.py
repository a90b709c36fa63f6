"""Settings that change while stock does: nothing that is affected is left out."""

from __future__ import annotations

import pytest
from django.db import transaction
from tests.hub.factories import make_channel, make_facility, make_listing, make_sku, stock_up
from tests.hub.tasks.support import sessions, wait_for_waiter

from retailops.hub.catalog.operations.publish_inventory import publish_inventory
from retailops.hub.stock.models import Facility, StockLevel
from retailops.hub.stock.operations.publish_facility import publish_facility
from retailops.hub.tasks.models import Task

pytestmark = pytest.mark.django_db(transaction=True)


def test_stock_that_arrives_while_a_facility_changes_is_pushed_with_it() -> None:
    shop, east = make_channel(), make_facility("EAST")
    old, new = make_sku("OLD"), make_sku("NEW")
    listings = {make_listing(shop, sku).pk for sku in (old, new)}
    stock_up(east, {old: 5})
    Task.objects.all().delete()

    def switch_off() -> int:
        with transaction.atomic():
            Facility.objects.filter(pk=east.pk).update(enabled=False)
            return publish_facility(facility_id=east.pk)

    def receive() -> None:
        transaction.set_autocommit(False)
        StockLevel.objects.create(facility=east, sku=new)
        publish_inventory(sku_ids=[old.pk])  # takes the lane until the commit

    with sessions(2) as (receiver, changer):
        receiver.run(receive)
        switched = changer.begin(switch_off)
        wait_for_waiter()
        receiver.run(transaction.commit)
        assert switched.result(timeout=60) == len(listings)
    assert set(Task.objects.filter(kind="inventory_push").values_list("subject_id", flat=True)) == listings
