"""Taking SKUs over."""

from decimal import Decimal

import pytest

from retailops.hub.catalog.models import Sku
from retailops.hub.catalog.operations.upsert_skus import SkuRow, upsert_skus

pytestmark = pytest.mark.django_db


def test_new_skus_are_created_known_ones_updated_and_the_same_again_writes_nothing():
    first = upsert_skus(
        rows=[SkuRow("A", "Apple", Decimal("1.50")), SkuRow("B", "Pear", product_code="FRUIT")], actor="test"
    )
    assert (sorted(first.created), first.changed) == (["A", "B"], {})
    again = upsert_skus(rows=[SkuRow("A", "Apple", Decimal("1.75")), SkuRow("B")], actor="test")
    assert (again.created, list(again.changed), list(again.unchanged)) == ({}, ["A"], ["B"])
    assert again.changed_products == {Sku.objects.get(code="A").product_id}
    assert Sku.objects.get(code="A").price == Decimal("1.75")
    assert Sku.objects.get(code="B").product.code == "FRUIT"


def test_of_two_rows_with_one_code_the_last_counts():
    upsert_skus(rows=[SkuRow("A", "first"), SkuRow("A", "last")], actor="test")
    assert Sku.objects.get(code="A").name == "last"


def test_a_change_of_the_product_changes_its_skus():
    upsert_skus(rows=[SkuRow("A", product_code="P"), SkuRow("B", product_code="P")], actor="test")
    result = upsert_skus(rows=[SkuRow("A", brand="Acme")], actor="test")
    assert (list(result.changed), result.changed_products) == (
        ["A"],
        frozenset({Sku.objects.get(code="A").product_id}),
    )
