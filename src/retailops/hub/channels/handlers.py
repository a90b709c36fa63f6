"""The twelve interactions of the contract, as the worker runs them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from retailops.hub.channels.interactions.base import AnyInteraction
from retailops.hub.channels.interactions.catalog_get_config import CatalogGetConfig
from retailops.hub.channels.interactions.catalog_push import CatalogPush
from retailops.hub.channels.interactions.inventory_push import InventoryPush
from retailops.hub.channels.interactions.order_acknowledge import OrderAcknowledge
from retailops.hub.channels.interactions.order_cancel import OrderCancel
from retailops.hub.channels.interactions.order_complete import OrderComplete
from retailops.hub.channels.interactions.order_pull import OrderPull
from retailops.hub.channels.interactions.order_returned import OrderReturned
from retailops.hub.channels.interactions.order_settle_payment import OrderSettlePayment
from retailops.hub.channels.interactions.order_shipment_submit import OrderShipmentSubmit
from retailops.hub.channels.interactions.order_update import OrderUpdate
from retailops.hub.channels.interactions.payment_credit import PaymentCredit
from retailops.hub.tasks.handlers import Handler

_ALL: Final[tuple[AnyInteraction, ...]] = (
    CatalogGetConfig(),
    CatalogPush(),
    InventoryPush(),
    OrderPull(),
    OrderAcknowledge(),
    OrderUpdate(),
    OrderCancel(),
    OrderShipmentSubmit(),
    OrderSettlePayment(),
    OrderComplete(),
    OrderReturned(),
    PaymentCredit(),
)

HANDLERS: Final[Mapping[str, Handler]] = {interaction.kind: interaction for interaction in _ALL}
