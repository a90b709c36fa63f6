"""What operations raise when they refuse: shown to the operator beside the form, which keeps what was typed."""

from retailops.hub.fulfilment.operations.cancel_orders import NotCancellableError
from retailops.hub.fulfilment.operations.edit_order import EditError
from retailops.hub.fulfilment.operations.ship_packages import PackageError
from retailops.hub.fulfilment.operations.withdraw_items import NotPlannedError
from retailops.hub.payments.operations.record_transactions import RefundError
from retailops.hub.purchasing.operations.count_po_items import PoFrozenError
from retailops.hub.returns.operations.receive_return import ReturnError
from retailops.hub.stock.operations.post_moves import NotEnoughStockError

REFUSALS: tuple[type[Exception], ...] = (
    ValueError, NotEnoughStockError, PackageError, NotCancellableError, NotPlannedError, EditError, PoFrozenError,
    ReturnError, RefundError,
)  # fmt: skip
