"""The sample retailer's catalog: what it sells, where it lies, and what its vendor ships. Pure data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

EAST = "EAST"
WEST = "WEST"
FACILITIES = {EAST: "East warehouse", WEST: "West warehouse"}
VENDOR = "ACME"
CHANNEL = "demo"
#: Sold in tiny numbers, so that shoppers meet "sold out".
SCARCE = "PRINT-LTD"


@dataclass(frozen=True, slots=True)
class SampleSku:
    """A SKU. `stock` is facility → units for every 100 orders, `kit` component → units in one, `vpc` the vendor's code."""

    code: str
    name: str
    price: Decimal
    product: str = ""
    stock: Mapping[str, int] = field(default_factory=dict)
    kit: Mapping[str, int] = field(default_factory=dict)
    vpc: str = ""
    advised: int = 0
    backorder: bool = False
    buffer: int = 0


def sample_catalog() -> Sequence[SampleSku]:
    """Return the catalog: own goods in one or both warehouses, a kit, goods of the vendor, one SKU with backorder."""
    sizes = [
        SampleSku(
            f"TEE-{size}", f"Cotton tee, {size}", Decimal("19.90"), "TEE", {EAST: 40, WEST: 60}, buffer=2
        )
        for size in ("S", "M", "L", "XL")
    ]
    return (
        *sizes,
        SampleSku("MUG-BLUE", "Stoneware mug, blue", Decimal("12.00"), "MUG", {EAST: 200}),
        SampleSku("MUG-WHITE", "Stoneware mug, white", Decimal("11.50"), "MUG", {WEST: 120}),
        SampleSku("LAMP", "Desk lamp", Decimal("48.00"), "LAMP", {EAST: 80, WEST: 40}),
        SampleSku("NOTEBOOK", "Notebook, dotted", Decimal("7.25"), "NOTEBOOK", {WEST: 200}),
        SampleSku("PEN-SET", "Pen set", Decimal("15.75"), "PEN-SET", {EAST: 30, WEST: 90}),
        SampleSku(
            "DESK-KIT",
            "Desk set: a lamp and two mugs",
            Decimal("65.00"),
            "DESK-KIT",
            kit={"LAMP": 1, "MUG-BLUE": 2},
        ),
        SampleSku("CHAIR", "Oak chair, made to order", Decimal("149.00"), "CHAIR", {WEST: 1}, backorder=True),
        SampleSku("SOFA", "Two-seat sofa", Decimal("899.00"), "SOFA", vpc="AC-SOFA-2", advised=100),
        SampleSku("RUG", "Wool rug", Decimal("179.00"), "RUG", {EAST: 4}, vpc="AC-RUG", advised=150),
        SampleSku(SCARCE, "Signed print", Decimal("75.00"), SCARCE, {EAST: 2}),
    )
