"""The twelve interactions of the channel contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from retailops.contract import catalog, inventory, order, payment, pull, returns, shipment, update
from retailops.contract.base import Envelope, WireModel


@dataclass(frozen=True, slots=True)
class Interaction:
    """`name` is also the action string of its requests; `path` follows the channel's base URL."""

    name: str
    version: int
    request: type[Envelope]
    response: type[WireModel]

    @property
    def path(self) -> str:
        """What follows the base URL, as in order_pull_v1."""
        return f"{self.name}_v{self.version}"


_ALL: Final = (
    Interaction("catalog_get_config", 1, catalog.CatalogGetConfigRequest, catalog.CatalogGetConfigResponse),
    Interaction("catalog_push", 1, catalog.CatalogPushRequest, catalog.CatalogPushResponse),
    Interaction("inventory_push", 1, inventory.InventoryPushRequest, inventory.InventoryPushResponse),
    Interaction("order_pull", 1, pull.OrderPullRequest, pull.OrderPullResponse),
    Interaction("order_acknowledge", 1, order.OrderAcknowledgeRequest, order.OrderAcknowledgeResponse),
    Interaction("order_update", 1, update.OrderUpdateRequest, update.OrderUpdateResponse),
    Interaction("order_cancel", 1, order.OrderCancelRequest, order.OrderCancelResponse),
    Interaction(
        "order_shipment_submit", 1, shipment.OrderShipmentSubmitRequest, shipment.OrderShipmentSubmitResponse
    ),
    Interaction("order_complete", 1, order.OrderCompleteRequest, order.OrderCompleteResponse),
    Interaction(
        "order_settle_payment", 1, payment.OrderSettlePaymentRequest, payment.OrderSettlePaymentResponse
    ),
    Interaction("order_returned", 1, returns.OrderReturnedRequest, returns.OrderReturnedResponse),
    Interaction("payment_credit", 1, payment.PaymentCreditRequest, payment.PaymentCreditResponse),
)

INTERACTIONS: Final[Mapping[str, Interaction]] = MappingProxyType({each.name: each for each in _ALL})


def build_url(base_url: str, name: str) -> str:
    """Where to POST the interaction. Keeps the base URL's query string. Raises KeyError for an unknown name."""
    parts = urlsplit(base_url)
    path = f"{parts.path.rstrip('/')}/{INTERACTIONS[name].path}"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
