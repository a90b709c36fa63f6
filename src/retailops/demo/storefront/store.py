"""The storefront's own database: one SQLite file, one connection, one thread."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

Value = str | int | None

# Amounts are whole ten-thousandths of the currency unit; times are RFC 3339 in UTC.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    refnum TEXT NOT NULL UNIQUE,
    header TEXT NOT NULL,              -- JSON: the parts of the pulled order that never enter a sum
    created_at TEXT NOT NULL,
    currency TEXT NOT NULL,
    shipping INTEGER NOT NULL,
    tax INTEGER NOT NULL,
    discount INTEGER NOT NULL,
    authorised INTEGER NOT NULL,       -- the most that may be captured; 0 when the payment was declined
    pulls INTEGER NOT NULL DEFAULT 0,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    hub_order_id INTEGER,
    acknowledged_at TEXT,
    cancelled_at TEXT,
    completed_at TEXT
);
CREATE INDEX IF NOT EXISTS orders_to_pull ON orders (position) WHERE acknowledged_at IS NULL;
CREATE TABLE IF NOT EXISTS items (
    refnum TEXT NOT NULL REFERENCES orders (refnum),
    item_refnum TEXT NOT NULL,
    hub_item_id INTEGER,
    sku TEXT NOT NULL,
    description TEXT NOT NULL,
    quantity INTEGER NOT NULL,
    unit_price INTEGER NOT NULL,
    item_type TEXT NOT NULL DEFAULT 'ship' CHECK (item_type IN ('ship', 'advisory', 'instore')),
    shipped INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0,
    returned INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (refnum, item_refnum)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS packages (
    shipment_id INTEGER NOT NULL,
    package_id INTEGER NOT NULL,
    refnum TEXT NOT NULL REFERENCES orders (refnum),
    carrier TEXT NOT NULL,
    tracking_number TEXT NOT NULL,
    shipped_at TEXT NOT NULL,
    items TEXT NOT NULL,               -- JSON: {channel_item_refnum: quantity}, sorted
    PRIMARY KEY (shipment_id, package_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS packages_of_order ON packages (refnum);
CREATE TABLE IF NOT EXISTS payments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    refnum TEXT NOT NULL REFERENCES orders (refnum),
    source TEXT NOT NULL UNIQUE,       -- the caller's idempotency key
    kind TEXT NOT NULL CHECK (kind IN ('auth', 'capture', 'refund')),
    payment_type TEXT NOT NULL,
    amount INTEGER NOT NULL,
    status TEXT NOT NULL DEFAULT 'success' CHECK (status IN ('success', 'decline'))
);
CREATE INDEX IF NOT EXISTS payments_of_order ON payments (refnum);
CREATE TABLE IF NOT EXISTS skus (
    sku TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    price INTEGER NOT NULL,
    currency TEXT NOT NULL,
    pushed INTEGER NOT NULL DEFAULT 0, -- the hub's last number
    unseen INTEGER NOT NULL DEFAULT 0, -- units sold that `pushed` may not have counted
    revision INTEGER
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims (
    sku TEXT NOT NULL,
    refnum TEXT NOT NULL,
    units INTEGER NOT NULL,
    PRIMARY KEY (sku, refnum)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS claims_of_order ON claims (refnum);
CREATE TABLE IF NOT EXISTS journal (
    sequence INTEGER PRIMARY KEY,
    arrived_at TEXT NOT NULL,
    interaction TEXT NOT NULL,
    refnums TEXT NOT NULL,             -- JSON list
    webhook_id TEXT NOT NULL,
    attempt TEXT NOT NULL,
    status INTEGER NOT NULL,
    effect TEXT NOT NULL,
    overlap INTEGER NOT NULL,
    fault TEXT NOT NULL,
    problems TEXT NOT NULL             -- JSON list of codes
);
CREATE INDEX IF NOT EXISTS journal_of_webhook ON journal (webhook_id) WHERE webhook_id <> '';
CREATE INDEX IF NOT EXISTS journal_remarkable ON journal (sequence) WHERE overlap OR problems <> '[]';
"""


class Store:
    """Thin access to the database. All calls come from the event loop's thread, so no lock is needed."""

    def __init__(self, file: Path) -> None:
        self._connection = sqlite3.connect(file, isolation_level=None, cached_statements=256)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _SCHEMA)

    def run(self, sql: str, *values: Value) -> int:
        """Execute a statement; returns the number of rows it changed."""
        return self._connection.execute(sql, values).rowcount

    def row(self, sql: str, *values: Value) -> sqlite3.Row | None:
        """The first row, if any."""
        found: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
        return found

    def rows(self, sql: str, *values: Value) -> list[sqlite3.Row]:
        """All rows."""
        return self._connection.execute(sql, values).fetchall()

    def number(self, sql: str, *values: Value) -> int:
        """The single whole number a query yields; NULL reads as 0."""
        found = self.row(sql, *values)
        return int(found[0] or 0) if found else 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is committed together, or not at all."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def now() -> str:
    """The current time, RFC 3339 in UTC."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
