"""Routes: the channel for the hub, the shop for shoppers, admin for the tests, pages for people."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qsl, quote, unquote

from retailops.demo.storefront import judge, pages, shop
from retailops.demo.storefront.channel import Channel
from retailops.demo.storefront.faults import Faults
from retailops.demo.storefront.store import Store
from retailops.demo.storefront.wire import (
    BadRequestError,
    Fields,
    Json,
    Response,
    json_response,
    parse_object,
)

# Whole numbers in a query string; well within 64 bits.
_MAX_DIGITS = 15
_log = logging.getLogger(__name__)
_CHANNEL = re.compile(r"/api/channel/([a-z_]+)_v1")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names are lower case. ``caller_left`` tells whether the connection is gone."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    caller_left: Callable[[], bool]


class App:
    """The storefront without its socket."""

    def __init__(self, store: Store, channel: Channel) -> None:
        self._store = store
        self._channel = channel

    async def respond(self, request: Request) -> Response:
        """Answer one request; never raises for bad input."""
        raw_path, _, raw_query = request.target.partition("?")
        path, query = unquote(raw_path), dict(parse_qsl(raw_query))
        try:
            match = _CHANNEL.fullmatch(path)
            if match and self._channel.knows(match[1]):
                _require_post(request)
                _require_json(request)
                return await self._channel.answer(
                    match[1], request.body, request.headers, request.caller_left
                )
            return self._get(path, query) if request.method == "GET" else self._post(request, path)
        except shop.SoldOutError as error:
            return json_response({"sold_out": error.skus}, 409)
        except BadRequestError as error:
            allow = {"Allow": "POST"} if error.status == HTTPStatus.METHOD_NOT_ALLOWED else {}
            return json_response({"error": str(error)}, error.status, **allow)
        except Exception:  # noqa: BLE001 - the last resort
            # A defect of the storefront must not look like a dropped connection. The transaction is undone.
            _log.exception("unexpected error at %s", path)
            return json_response({"error": "internal error"}, 500)

    def _get(self, path: str, query: dict[str, str]) -> Response:  # noqa: PLR0911 - one a route
        store = self._store
        match path.strip("/").split("/"):
            case [""]:
                return pages.catalog_page(store, query.get("after", ""))
            case ["orders", refnum]:
                return pages.order_page(self._order(refnum))
            case ["shop", "catalog"]:
                listing: list[Json] = [
                    *shop.catalog(store, query.get("after", ""), _number(query, "limit", 1000))
                ]
                return json_response({"skus": listing})
            case ["shop", "orders", refnum]:
                return json_response(self._order(refnum))
            case ["admin", "state"]:
                return json_response(self._state(query))
            case ["admin", "judgement"]:
                return json_response(judge.judgement(store))
            case ["admin", "faults"]:
                return json_response({"faults": self._channel.faults.spec, "seed": self._channel.faults.seed})
            case _:
                raise BadRequestError(404, f"{path}: nothing here")

    def _post(self, request: Request, path: str) -> Response:
        if request.method != "POST":
            raise BadRequestError(405, f"{request.method}: not supported; use POST")
        if path == "/buy":
            return self._buy(request.body)
        _require_json(request)
        fields = Fields(parse_object(request.body)) if request.body else Fields({})
        match path.strip("/").split("/"):
            case ["shop", "orders"]:
                with self._store.transaction():
                    return json_response({"refnum": shop.place_order(self._store, fields)}, 201)
            case ["shop", "orders", "bulk"]:
                with self._store.transaction():
                    return json_response(shop.place_orders(self._store, fields))
            case ["shop", "orders", refnum, "cancel"]:
                shop.request_cancel(self._store, refnum)
                return json_response(self._order(refnum))
            case ["shop", "orders", refnum, "edit"]:
                shop.edit_order(self._store, refnum, fields)
                return json_response(self._order(refnum))
            case ["admin", "faults"]:
                return self._set_faults(fields)
            case _:
                raise BadRequestError(404, f"{path}: nothing here")

    def _order(self, refnum: str) -> dict[str, Json]:
        order = self._store.row("SELECT * FROM orders WHERE refnum = ?", refnum)
        if order is None:
            raise BadRequestError(404, f"order {refnum}: unknown")
        return judge.order_state(self._store, order)

    def _state(self, query: dict[str, str]) -> dict[str, Json]:
        """Orders, stock and journal; each list is paged by ``*_after`` and ``limit``."""
        store, refnum, limit = self._store, query.get("refnum", ""), _number(query, "limit", 1000)
        return {
            "orders": judge.orders(store, refnum, _number(query, "orders_after"), limit),
            "stock": [*shop.catalog(store, query.get("stock_after", ""), limit)],
            "journal": judge.journal(store, refnum, _number(query, "journal_after"), limit),
        }

    def _set_faults(self, fields: Fields) -> Response:
        try:
            self._channel.faults = Faults(fields.text("faults"), fields.integer("seed"))
        except ValueError as error:
            raise BadRequestError(422, str(error)) from error
        return json_response({"faults": self._channel.faults.spec, "seed": self._channel.faults.seed})

    def _buy(self, body: bytes) -> Response:
        form = dict(parse_qsl(body.decode(errors="replace")))
        quantity = form.get("quantity", "")
        items: Json = [{"sku": form.get("sku", ""), "quantity": int(quantity) if quantity.isdecimal() else 0}]
        try:
            with self._store.transaction():
                refnum = shop.place_order(self._store, Fields({"items": items}))
        except shop.SoldOutError:
            return pages.catalog_page(self._store, notice="Sorry, that was just sold out.")
        return Response(303, headers={"Location": f"/orders/{quote(refnum, safe='')}"})


def _number(query: dict[str, str], name: str, default: int = 0) -> int:
    text = query.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or len(text) > _MAX_DIGITS:
        raise BadRequestError(422, f"{name}: {text!r} is not a whole number")
    return int(text)


def _require_post(request: Request) -> None:
    if request.method != "POST":
        raise BadRequestError(405, f"{request.method}: not supported; use POST")


def _require_json(request: Request) -> None:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and request.body:
        raise BadRequestError(415, f"Content-Type: {content_type!r} is not application/json")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequestError(415, "Content-Encoding: not supported; send the body uncompressed")
