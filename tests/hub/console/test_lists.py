"""Every list of the console, by one set of tests: who may see it, that it works, and that it stays cheap."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from retailops.hub.accounts.models import ApiKey, User
from retailops.hub.audit.models import AuditEntry
from retailops.hub.catalog.models import Listing, Product, Sku
from retailops.hub.channels.models import Channel, ContractViolation, FeedTemplate, RejectedOrder
from retailops.hub.console.admin_base import ConsoleAdmin
from retailops.hub.console.site import site
from retailops.hub.fulfilment.models import Package, Shipment
from retailops.hub.orders.models import Order
from retailops.hub.payments.models import PaymentTransaction
from retailops.hub.purchasing.models import PurchaseOrder, Vendor, VendorSku
from retailops.hub.returns.models import Return
from retailops.hub.routing.models import RoutingRule
from retailops.hub.stock.models import Facility, FacilityGroup, StockLevel, StockMove
from retailops.hub.tasks.models import Queue, Schedule, Task, Worker
from tests.hub.console.demo import Demo, LogIn

FEW, MANY = 5, 50


def clone(model: type[Model], count: int, **unique: Callable[[int], object]) -> None:
    """Copy a row `count` times; `unique` gives the fields that must differ."""
    row: Any = model._default_manager.order_by("pk")[0]
    fields = [f for f in model._meta.concrete_fields if not f.primary_key and not f.generated]
    values = {field.attname: getattr(row, field.attname) for field in fields}
    start = model._default_manager.count()
    model._default_manager.bulk_create(
        [model(**(values | {name: make(start + n) for name, make in unique.items()})) for n in range(count)]
    )


def numbered(prefix: str) -> Callable[[int], str]:
    return lambda number: f"{prefix}{number}"


def skus(count: int) -> Callable[[int], int]:
    start = Sku.objects.count()
    clone(Sku, count, code=numbered("extra-"))
    made = list(Sku.objects.order_by("-id").values_list("id", flat=True)[:count])
    taken = iter(made)
    assert start + count == Sku.objects.count()
    return lambda _number: next(taken)


def queues(count: int) -> Callable[[int], int]:
    clone(Queue, count, name=numbered("extra-"))
    taken = iter(list(Queue.objects.order_by("-id").values_list("id", flat=True)[:count]))
    return lambda _number: next(taken)


MAKERS: dict[type[Any], Callable[[int], object]] = {
    ApiKey: lambda n: ApiKey.objects.bulk_create(
        [
            ApiKey(
                public_id=f"k{ApiKey.objects.count()}x{i}",
                secret_hash=b"x",
                name="n",
                user=User.objects.all()[0],
            )
            for i in range(n)
        ]
    ),
    AuditEntry: lambda n: clone(AuditEntry, n),
    Channel: lambda n: clone(Channel, n, code=numbered("extra-"), queue_id=queues(n)),
    ContractViolation: lambda n: clone(ContractViolation, n, path=numbered("p")),
    Facility: lambda n: clone(Facility, n, code=numbered("F")),
    FacilityGroup: lambda n: FacilityGroup.objects.bulk_create(
        [FacilityGroup(name=f"{FacilityGroup.objects.count()}-{i}") for i in range(n)]
    ),
    FeedTemplate: lambda n: FeedTemplate.objects.bulk_create(
        [FeedTemplate(name=f"{FeedTemplate.objects.count()}-{i}", template={}) for i in range(n)]
    ),
    Group: lambda n: clone(Group, n, name=numbered("role ")),
    Listing: lambda n: clone(Listing, n, sku_id=skus(n)),
    Order: lambda n: clone(Order, n, channel_refnum=numbered("extra-")),
    Package: lambda n: clone(Package, n, key=numbered("extra-")),
    PaymentTransaction: lambda n: clone(PaymentTransaction, n, key=numbered("extra-")),
    Product: lambda n: clone(Product, n, code=numbered("extra-")),
    PurchaseOrder: lambda n: clone(PurchaseOrder, n, number=numbered("extra-")),
    RejectedOrder: lambda n: clone(RejectedOrder, n, channel_refnum=numbered("extra-")),
    Return: lambda n: clone(Return, n, rma=numbered("extra-")),
    RoutingRule: lambda n: clone(RoutingRule, n, name=numbered("extra-")),
    Schedule: lambda n: clone(Schedule, n, lane=numbered("extra-")),
    Shipment: lambda n: clone(Shipment, n),
    Sku: lambda n: clone(Sku, n, code=numbered("extra-")),
    StockLevel: lambda n: clone(StockLevel, n, sku_id=skus(n)),
    StockMove: lambda n: clone(StockMove, n, key=numbered("extra-")),
    Task: lambda n: clone(Task, n, key=numbered("extra-")),
    Queue: lambda n: clone(Queue, n, name=numbered("extra-")),
    User: lambda n: clone(User, n, username=numbered("extra-")),
    Vendor: lambda n: clone(Vendor, n, code=numbered("extra-")),
    VendorSku: lambda n: clone(VendorSku, n, vpc=numbered("extra-"), sku_id=skus(n)),
    Worker: lambda n: clone(Worker, n, name=numbered("extra-")),
}


def label(model: Any) -> str:
    return str(model._meta.label)


ONLY_ADMINISTRATORS = {User, Group, ApiKey}
NOT_VIEWERS = {*ONLY_ADMINISTRATORS, AuditEntry}
models = pytest.mark.parametrize("model", sorted(MAKERS, key=label), ids=label)


def url_of(model: type[Model], page: str = "changelist", *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@models
class TestList:
    @pytest.mark.usefixtures("demo")
    def test_anonymous_is_sent_to_the_login(self, model: type[Model]) -> None:
        for page in ("changelist", "export"):
            response = Client().get(url_of(model, page))
            assert response.status_code == 302
            assert response.headers["Location"].startswith("/console/login/")

    def test_a_user_without_a_role_sees_nothing(self, log_in: LogIn, model: type[Model]) -> None:
        client = log_in("nobody")
        assert client.get(url_of(model)).status_code == 403
        assert client.get(url_of(model, "export")).status_code == 403

    def test_roles(self, log_in: LogIn, model: type[Model]) -> None:
        seen = {name: log_in(name).get(url_of(model)).status_code for name in ("victor", "olivia", "alma")}
        assert seen == {
            "victor": 403 if model in NOT_VIEWERS else 200,
            "olivia": 403 if model in ONLY_ADMINISTRATORS else 200,
            "alma": 200,
        }

    def test_queries_do_not_grow_with_rows(
        self, log_in: LogIn, model: type[Model], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(site._registry[model], "list_per_page", 500)
        client = log_in("root")
        MAKERS[model](FEW)
        few = self.count_queries(client, model)
        MAKERS[model](MANY - FEW)
        assert model._default_manager.count() >= MANY
        assert self.count_queries(client, model) == few

    def count_queries(self, client: Client, model: type[Model]) -> int:
        with CaptureQueriesContext(connection) as captured:
            response = client.get(url_of(model))
        assert response.status_code == 200
        assert len(response.context["cl"].result_list) == model._default_manager.count()
        return len(captured)

    def test_search_and_filters_work(self, log_in: LogIn, model: type[Model]) -> None:
        client, admin = log_in("root"), site._registry[model]
        response = client.get(url_of(model), {"q": "no such thing %_\\'"})
        assert response.status_code == 200
        if admin.search_fields:
            assert list(response.context["cl"].result_list) == []
            assert b"Nothing fits this search" in response.content
        for spec in client.get(url_of(model)).context["cl"].filter_specs:
            for choice in spec.choices(response.context["cl"]):
                assert client.get(url_of(model) + choice["query_string"]).status_code == 200

    def test_export(self, log_in: LogIn, model: type[Model]) -> None:
        MAKERS[model](1)
        response = log_in("root").get(url_of(model, "export"))
        text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
        rows = list(csv.reader(io.StringIO(text)))
        assert len(rows) == 1 + model._default_manager.count()
        assert {len(row) for row in rows} == {len(rows[0])}
        assert not {"password", "auth_key", "secret_hash"} & set(rows[0])
        assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert "no-store" in response.headers["Cache-Control"]

    def test_a_page_of_one_row_opens(self, log_in: LogIn, model: type[Model]) -> None:
        MAKERS[model](1)
        row = model._default_manager.order_by("pk")[0]
        assert log_in("root").get(url_of(model, "change", row.pk)).status_code == 200
        missing = log_in("root").get(url_of(model, "change", 10**15))
        assert missing.status_code in {302, 404}

    def test_ledgered_tables_have_no_forms(self, log_in: LogIn, model: type[Model]) -> None:
        admin = site._registry[model]
        assert isinstance(admin, ConsoleAdmin)
        response = log_in("root").get(url_of(model, "add"))
        assert response.status_code == (200 if admin.addable else 403)


def test_every_list_has_a_maker() -> None:
    assert set(MAKERS) == set(site._registry)


def test_pages_by_key(log_in: LogIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Walk all orders forwards and back: every row once, in order, whatever comes in meanwhile."""
    monkeypatch.setattr(site._registry[Order], "list_per_page", 7)
    client = log_in("root")
    everything = list(Order.objects.order_by("-id").values_list("id", flat=True))
    seen: list[int] = []
    query, pages = "", []
    while True:
        changelist = client.get(url_of(Order) + query).context["cl"]
        pages.append([order.pk for order in changelist.result_list])
        seen += pages[-1]
        if not changelist.paginator.following:
            break
        query = changelist.paginator.following
        clone(Order, 1, channel_refnum=numbered(f"meanwhile-{len(seen)}-"))
    assert seen == everything
    back = client.get(url_of(Order) + changelist.paginator.previous).context["cl"]
    assert [order.pk for order in back.result_list] == pages[-2]


def test_pages_need_no_offset_and_no_full_count(log_in: LogIn) -> None:
    clone(Order, 1200, channel_refnum=numbered("extra-"))
    client = log_in("root")
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url_of(Order))
    assert b"about" in response.content
    statements = [query["sql"] for query in captured if "orders_order" in query["sql"]]
    assert statements
    assert not [sql for sql in statements if "OFFSET" in sql]
    assert all("LIMIT" in sql for sql in statements if "COUNT" in sql)


@pytest.mark.parametrize(
    "query",
    [
        "?after=x",
        "?before=9999999999999999999999",
        "?status__exact=%00",
        "?nonsense=1",
        "?q=%00",
        "?after=%00",
    ],
)
def test_bad_parameters_never_break_a_list(log_in: LogIn, query: str) -> None:
    response = log_in("root").get(url_of(Order) + query)
    assert response.status_code in {200, 302, 400}


@pytest.mark.parametrize("term", ["NP-10484", "RJ1-L", "Leila", "GLOVES-XL"])
def test_orders_are_found_by_number_sku_and_name(log_in: LogIn, demo: Demo, term: str) -> None:
    def found(name: str) -> set[int]:
        return {order.pk for order in log_in(name).get(url_of(Order), {"q": term}).context["cl"].result_list}

    assert (demo.shipped_order in found("olivia")) == (term != "GLOVES-XL")
    assert found("olivia")
    # A viewer may not find people by their names.
    assert bool(found("victor")) == (term != "Leila")


def test_export_is_safe_in_a_spreadsheet(log_in: LogIn) -> None:
    order = Order.objects.order_by("-id")[0]
    nasty = ['=HYPERLINK("http://x")', "+1", "-1", "@x", "\tx", 'a "quoted", cell']
    for number, refnum in enumerate(nasty):
        Order.objects.create(
            channel=order.channel, channel_refnum=refnum, currency="USD", content_hash=str(number)
        )
    response = log_in("root").get(url_of(Order, "export"))
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert '''"'=HYPERLINK(""http://x"")"''' in text
    cells = {row["channel_refnum"] for row in csv.DictReader(io.StringIO(text))}
    assert {f"'{value}" for value in nasty[:-1]} | {nasty[-1]} <= cells
