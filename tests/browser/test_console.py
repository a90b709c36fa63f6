"""Every page of the console in a real browser, light and dark, on a desk and on a telephone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Console, Watched, log_in

pytestmark = pytest.mark.browser

VARIANTS = [(theme, width) for theme in ("light", "dark") for width in (1280, 390)]
MODELS = (
    "accounts/apikey", "accounts/user", "audit/auditentry", "auth/group", "catalog/listing", "catalog/product", "catalog/sku",
    "channels/channel", "channels/contractviolation", "channels/feedtemplate", "channels/rejectedorder", "fulfilment/package",
    "fulfilment/shipment", "orders/order", "payments/paymenttransaction", "purchasing/purchaseorder", "purchasing/vendor",
    "purchasing/vendorsku", "returns/return", "routing/routingrule", "stock/facility", "stock/facilitygroup",
    "stock/stocklevel", "stock/stockmove", "tasks/queue", "tasks/schedule", "tasks/task", "tasks/worker",
)  # fmt: skip
ADDED_BY_HAND = (
    "accounts/user", "auth/group", "catalog/listing", "catalog/product", "catalog/sku", "channels/channel",
    "channels/feedtemplate", "purchasing/vendor", "purchasing/vendorsku", "routing/routingrule", "stock/facility",
    "stock/facilitygroup",
)  # fmt: skip
HAVE_NO_ROWS = {"accounts/apikey", "channels/feedtemplate", "stock/facilitygroup"}
PAGES = [
    "", "queues/", "queues/hold-operator/", "queues/route-out_of_stock/", "queues/tasks-refused/", "queues/rejected/",
    "orders/bulk/", "stock/post/", "stock/import/", "catalog/import/", "routing/dry-run/", "accounts/new-key/",
    "password_change/", "orders/order/{shipped_order}/change/", "orders/order/{held_order}/change/",
    "orders/order/{open_order}/change/", "tasks/task/{parked_task}/change/", "channels/channel/{channel}/health/",
    "orders/order/?q=nothing+like+it", "orders/order/?status__exact=released&channel__id__exact={channel}",
    *(f"{model}/" for model in MODELS),
    *(f"{model}/1/change/" for model in MODELS if model not in HAVE_NO_ROWS),
    *(f"{model}/add/" for model in ADDED_BY_HAND),
]  # fmt: skip


@pytest.fixture(scope="module")
def screens(browser: Browser, console: Console) -> Iterator[dict[tuple[str, int], Watched]]:
    """One logged-in page for each variant."""
    opened = {}
    for theme, width in VARIANTS:
        context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 900})  # type: ignore[arg-type]
        opened[theme, width] = log_in(context, console, "root")
    yield opened
    for watched in opened.values():
        watched.page.context.close()


@pytest.mark.parametrize("page", PAGES)
def test_page(screens: dict[tuple[str, int], Watched], console: Console, page: str) -> None:
    for (theme, width), watched in screens.items():
        watched.open("/console/" + page.format(**console.ids))
        assert (theme, width, watched.problems) == (theme, width, [])
        assert (theme, width, watched.overflow()) == (theme, width, 0)
        shade = watched.page.evaluate("getComputedStyle(document.querySelector('#main')).backgroundColor")
        assert (shade == "rgb(255, 255, 255)") == (theme == "light")


def test_every_link_of_the_sidebar_is_opened_above(screens: dict[tuple[str, int], Watched]) -> None:
    watched = screens["light", 1280]
    watched.open("/console/")
    links = watched.page.eval_on_selector_all(
        "#nav-sidebar-apps a", "links => links.map(link => link.getAttribute('href'))"
    )
    assert len(links) > 20
    assert {link.removeprefix("/console/") for link in links} <= set(PAGES)


@pytest.fixture
def operator(browser: Browser, console: Console) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield log_in(context, console, "olivia")
    context.close()


def test_login_refuses_and_keeps_the_name(browser: Browser, console: Console) -> None:
    context = browser.new_context()
    watched = Watched(context.new_page(), console.url)
    watched.open("/console/login/")
    watched.page.fill("[name=username]", "olivia")
    watched.page.fill("[name=password]", "wrong")
    watched.page.click("button[type=submit]")
    expect(watched.page.locator("[name=username]")).to_have_value("olivia")
    expect(watched.page.get_by_text("Please enter the correct username and password")).to_be_visible()
    context.close()


def test_a_refused_form_keeps_what_was_typed(operator: Watched, console: Console) -> None:
    page = operator.page
    operator.open("/console/stock/post/")
    form = page.locator("details", has=page.locator("summary", has_text="Adjust")).locator("form")
    page.locator("summary", has_text="Adjust").click()
    form.get_by_label("SKU").fill("NO-SUCH")
    form.get_by_label("Change of units").fill("-3")
    form.get_by_label("Reason").fill("broken in the shop")
    form.get_by_role("button").click()
    expect(page.get_by_text("there is no SKU 'NO-SUCH' in the catalog")).to_be_visible()
    expect(form.get_by_label("SKU")).to_have_value("NO-SUCH")
    expect(form.get_by_label("Change of units")).to_have_value("-3")
    expect(form.get_by_label("Reason")).to_have_value("broken in the shop")
    assert operator.problems == []


def test_settings_keep_what_was_typed(screens: dict[tuple[str, int], Watched]) -> None:
    watched = screens["light", 1280]
    watched.open("/console/channels/channel/add/")
    page = watched.page
    page.fill("[name=code]", "outlet")
    page.fill("[name=name]", "Outlet")
    page.fill("[name=base_url]", "nonsense")
    page.fill("[name=key]", "a key of theirs")
    page.check("[name=capabilities][value=order_pull]")
    page.click("[name=_save]")
    expect(page.get_by_text("is no web address")).to_be_visible()
    expect(page.locator("[name=code]")).to_have_value("outlet")
    expect(page.locator("[name=base_url]")).to_have_value("nonsense")
    expect(page.locator("[name=capabilities][value=order_pull]")).to_be_checked()
    assert watched.problems == []


def test_an_order_is_held_edited_and_released_by_clicking(operator: Watched, console: Console) -> None:
    page = operator.page
    operator.open("/console/orders/order/?q=NP-10510")
    page.get_by_role("link", name="NP-10510").click()
    page.get_by_text("Put on hold").click()
    page.get_by_label("Reason").first.fill("call the buyer")
    page.get_by_role("button", name="Hold", exact=True).click()
    expect(page.locator("h1 .c-chip")).to_have_text("on hold")
    page.get_by_text("Edit lines").click()
    quantity = page.locator("input[name^=quantity_]").first
    quantity.fill("5")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("What comes of it", exact=True)).to_be_visible()
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text("changed; the channel is told")).to_be_visible()
    page.get_by_text("Release holds").click()
    page.get_by_role("button", name="Release", exact=True).click()
    expect(page.get_by_text("released; it is routed next")).to_be_visible()
    assert operator.problems == []


def test_selected_rows_are_acted_on(operator: Watched) -> None:
    page = operator.page
    operator.open("/console/orders/order/?status__exact=backordered")
    page.locator("input.action-select").first.check()
    page.locator("select[name=action]").select_option("hold")
    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("1 orders put on hold")).to_be_visible()
    assert operator.problems == []


def test_the_sidebar_opens_on_a_telephone(screens: dict[tuple[str, int], Watched]) -> None:
    watched = screens["light", 390]
    watched.open("/console/")
    link = watched.page.get_by_role("link", name="Work queues")
    expect(link).to_be_hidden()
    watched.page.get_by_text("dock_to_right").locator("visible=true").first.click()
    link.click()
    watched.page.wait_for_url("**/console/queues/")
    assert watched.problems == []


def test_a_pasted_list_of_orders_is_pulled(operator: Watched, console: Console) -> None:
    page = operator.page
    operator.open(f"/console/channels/channel/{console.ids['channel']}/health/")
    page.get_by_text("Pull a list of orders").click()
    page.get_by_label("Order numbers").fill("\n".join(f"NP-{number}" for number in range(2001)))
    page.get_by_role("button", name="Pull these").click()
    expect(page.get_by_text("2,001 numbers; give at most 2,000 at a time")).to_be_visible()
    expect(page.get_by_label("Order numbers")).to_have_value(
        "\n".join(f"NP-{number}" for number in range(2001))
    )
    page.get_by_label("Order numbers").fill("NP-10480\tNP-10499, NP-10480")
    page.get_by_role("button", name="Pull these").click()
    expect(page.get_by_text("2 orders are asked for next, in 1 call")).to_be_visible()
    expect(page.get_by_role("cell", name="order_pull by 2 numbers")).to_be_visible()
    assert operator.problems == []


def test_a_listing_is_made_by_picking_a_sku(operator: Watched) -> None:
    page = operator.page
    operator.open("/console/catalog/listing/add/")
    page.locator("select[name=channel]").select_option(label="market")
    page.locator(".select2-selection").click()
    page.get_by_role("option", name="TR2-42").click()
    page.get_by_label("Buffer").fill("3")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Queued: 1 catalog push, 1 inventory push.")).to_be_visible()
    assert operator.problems == []


def test_settings_of_a_channel_lead_to_its_page(
    screens: dict[tuple[str, int], Watched], console: Console
) -> None:
    watched = screens["light", 1280]
    watched.open(f"/console/channels/channel/{console.ids['channel']}/change/")
    watched.page.get_by_role("link", name="Health and actions").click()
    watched.page.wait_for_url(f"**/channels/channel/{console.ids['channel']}/health/")
    watched.page.get_by_role("link", name="Change settings").click()
    watched.page.wait_for_url(f"**/channels/channel/{console.ids['channel']}/change/")
    assert watched.problems == []
