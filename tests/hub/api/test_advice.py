"""Product.ExternalSku.Update: what becomes of a vendor's advice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from retailops.contract.strict_json import rfc3339
from retailops.hub.catalog.models import Sku
from retailops.hub.purchasing.models import Vendor, VendorSku
from tests.hub.api.world import Api, World
from tests.hub.factories import make_sku

PATH = "/product/externalsku/update~2.json"


def stored(vendor: Vendor) -> int | None:
    return VendorSku.objects.get(vendor=vendor).advised_quantity


def ago(**units: float) -> str:
    return rfc3339((datetime.now(UTC) - timedelta(**units)).replace(microsecond=0))


def test_advice_is_a_level_not_a_change(world: World, vendor: Api) -> None:
    for _ in range(2):
        assert (
            vendor(
                PATH, {"records": [{"vendor_id": str(world.acme.pk), "vpc": "VB", "quantity": 12}]}
            ).record["changed"]
            == 1
        )
    assert stored(world.acme) == 12


def test_the_same_quantity_again_refreshes_its_age(world: World, vendor: Api) -> None:
    before = VendorSku.objects.get(vendor=world.acme).advised_at
    vendor(PATH, {"records": [{"vpc": "VB", "quantity": 1000}]})
    after = VendorSku.objects.get(vendor=world.acme).advised_at
    assert before is not None
    assert after is not None
    assert after >= before


def test_unknown_and_differently_written_vpcs_are_told(vendor: Api) -> None:
    answer = vendor(PATH, {"records": [{"vpc": vpc, "quantity": 1} for vpc in ("vb", "VBX", " VB ")]})
    assert answer.record_codes == ["EXTERNAL_SKU_NOT_FOUND", "EXTERNAL_SKU_NOT_FOUND", "ok"]


@pytest.mark.parametrize("vpc", ["", "   ", "\u200b", "a\tb", "x" * 101, 5, None])
def test_what_is_no_vpc_is_refused(vendor: Api, vpc: object) -> None:
    assert vendor(PATH, {"records": [{"vpc": vpc, "quantity": 1}]}).code == "VPC_INVALID"


def test_of_duplicates_in_a_call_the_last_counts(world: World, vendor: Api) -> None:
    answer = vendor(PATH, {"records": [{"vpc": "VB", "quantity": quantity} for quantity in (1, 2, 3)]})
    warnings = [
        [warning["code"] for warning in record.get("warnings", [])] for record in answer.body["records"]
    ]
    assert warnings == [["SUPERSEDED_IN_CALL"], ["SUPERSEDED_IN_CALL"], []]
    assert [record["changed"] for record in answer.body["records"]] == [0, 0, 1]
    assert stored(world.acme) == 3


def test_of_duplicates_with_as_of_the_newest_counts(world: World, vendor: Api) -> None:
    VendorSku.objects.update(advised_at=None)
    records = [
        {"vpc": "VB", "quantity": 1, "as_of": ago(hours=1)},
        {"vpc": "VB", "quantity": 2, "as_of": ago(hours=2)},
    ]
    answer = vendor(PATH, {"records": records})
    assert answer.body["records"][1]["warnings"][0]["code"] == "STALE_ADVICE_IGNORED"
    assert stored(world.acme) == 1


def test_older_advice_is_ignored_and_said_so(world: World, vendor: Api) -> None:
    record = vendor(PATH, {"records": [{"vpc": "VB", "quantity": 1, "as_of": ago(hours=1)}]}).record
    assert (record["status"], record["changed"], record["warnings"][0]["code"]) == (
        "ok",
        0,
        "STALE_ADVICE_IGNORED",
    )
    assert stored(world.acme) == 1000


def test_advice_from_the_future_is_refused_beyond_five_minutes(world: World, vendor: Api) -> None:
    assert (
        vendor(PATH, {"records": [{"vpc": "VB", "quantity": 1, "as_of": ago(minutes=-6)}]}).code
        == "AS_OF_IN_FUTURE"
    )
    assert (
        vendor(PATH, {"records": [{"vpc": "VB", "quantity": 2, "as_of": ago(minutes=-4)}]}).body["success"]
        == 1
    )
    # A clock that runs ahead must not make later advice look old.
    assert vendor(PATH, {"records": [{"vpc": "VB", "quantity": 3}]}).record["changed"] == 1
    assert stored(world.acme) == 3


def test_inactive_mappings_are_stored_with_a_warning(world: World, vendor: Api) -> None:
    VendorSku.objects.update(active=False)
    record = vendor(PATH, {"records": [{"vpc": "VB", "quantity": 5}]}).record
    assert (record["changed"], record["warnings"][0]["code"]) == (1, "EXTERNAL_SKU_INACTIVE")
    assert stored(world.acme) == 5


def test_another_vendors_stock_cannot_be_advised(world: World, vendor: Api) -> None:
    records = [
        {"vendor_id": world.other.pk, "vpc": "VC", "quantity": 1},
        {"vendor_name": "Other", "vpc": "VC", "quantity": 1},
        {"vpc": "VC", "quantity": 1},
    ]
    answer = vendor(PATH, {"records": records})
    assert answer.record_codes == ["VENDOR_FORBIDDEN", "VENDOR_FORBIDDEN", "EXTERNAL_SKU_NOT_FOUND"]
    assert stored(world.other) == 1000


def test_operators_may_advise_for_several_vendors_in_one_call(world: World, operator: Api) -> None:
    records = [
        {"vendor_id": world.acme.pk, "vpc": "VB", "quantity": 1},
        {"vendor_name": "OTHER", "vpc": "VC", "quantity": 2},
        {"vpc": "VB", "quantity": 3},
    ]
    assert operator(PATH, {"records": records}).record_codes == ["ok", "ok", "VENDOR_REQUIRED"]
    assert (stored(world.acme), stored(world.other)) == (1, 2)


def test_a_vendor_that_is_switched_off_is_told(world: World, vendor: Api) -> None:
    Vendor.objects.update(enabled=False)
    assert vendor(PATH, {"records": [{"vpc": "VB", "quantity": 1}]}).code == "VENDOR_INACTIVE"


def test_a_thousand_records_take_as_many_statements_as_one(world: World, vendor: Api) -> None:
    product = make_sku("S0").product
    skus = Sku.objects.bulk_create(Sku(product=product, code=f"S{number}") for number in range(1, 1000))
    VendorSku.objects.bulk_create(VendorSku(vendor=world.acme, vpc=f"V{sku.code}", sku=sku) for sku in skus)
    vendor(PATH, {"records": []})
    with CaptureQueriesContext(connection) as one:
        vendor(PATH, {"records": [{"vpc": "VB", "quantity": 2000}]})
    with CaptureQueriesContext(connection) as many:
        answer = vendor(PATH, {"records": [{"vpc": f"V{sku.code}", "quantity": 9} for sku in skus]})
    assert (answer.body["success"], len(answer.body["records"])) == (1, 999)
    assert len(one) == len(many)
