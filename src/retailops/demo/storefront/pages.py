"""The shop's two web pages, rendered on the server. Everything variable passes through ``escape``."""

from html import escape
from urllib.parse import quote

from retailops.demo.storefront.shop import catalog
from retailops.demo.storefront.store import Store
from retailops.demo.storefront.wire import JsonObject, Response

_CSS = """
:root{color-scheme:light dark;--line:light-dark(#dfe3e8,#333a44);--soft:light-dark(#5c6773,#9aa5b1);
--back:light-dark(#f7f8fa,#14171c);--card:light-dark(#fff,#1c2129);--accent:light-dark(#1c5fd4,#7fb0ff)}
*{box-sizing:border-box}body{margin:0;font:16px/1.5 system-ui,sans-serif;background:var(--back)}
header,main{max-width:60rem;margin:auto;padding:1.25rem}header a{color:inherit;text-decoration:none;
font-weight:700;font-size:1.15rem}h1{font-size:1.4rem;margin:.2rem 0 1rem}.soft{color:var(--soft)}
.grid{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr))}
.card{background:var(--card);border:1px solid var(--line);border-radius:.75rem;padding:1rem}
.card h2{font-size:1rem;margin:0}.price{font-weight:600}form{display:flex;gap:.5rem;margin-top:.75rem}
input,button{font:inherit;padding:.35rem .6rem;border:1px solid var(--line);border-radius:.5rem}
input{width:5rem;background:var(--back);color:inherit}
button{background:var(--accent);color:light-dark(#fff,#10151c);border-color:transparent;cursor:pointer}
button:disabled{opacity:.4;cursor:default}table{width:100%;border-collapse:collapse}
td,th{text-align:left;padding:.4rem .5rem;border-bottom:1px solid var(--line)}
ol.steps{list-style:none;display:flex;flex-wrap:wrap;gap:.5rem;padding:0}
ol.steps li{padding:.2rem .7rem;border:1px solid var(--line);border-radius:1rem;color:var(--soft)}
ol.steps li.done{border-color:var(--accent);color:var(--accent)}
"""


_CARDS_PER_PAGE = 60


def _page(title: str, body: str, status: int = 200) -> Response:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_CSS}</style></head>"
        f'<body><header><a href="/">Sample Store</a></header><main>{body}</main></body></html>'
    )
    policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}
    return Response(status, html.encode(), "text/html; charset=utf-8", headers)


def catalog_page(store: Store, after: str = "", notice: str = "") -> Response:
    """The catalog with live stock and a form per SKU."""
    rows = catalog(store, after, _CARDS_PER_PAGE + 1)
    cards = "".join(_card(row) for row in rows[:_CARDS_PER_PAGE])
    if not rows:
        cards = '<p class="soft">Nothing on the shelves yet: the hub has not pushed a catalog.</p>'
    more = (
        f'<p><a href="/?after={quote(str(rows[-2]["sku"]), safe="")}">More</a></p>'
        if len(rows) > _CARDS_PER_PAGE
        else ""
    )
    banner = f'<p class="card" role="alert">{escape(notice)}</p>' if notice else ""
    body = f'{banner}<h1>Catalog</h1><div class="grid">{cards}</div>{more}'
    return _page("Sample Store", body, 409 if notice else 200)


def _card(row: JsonObject) -> str:
    available = row["available"]
    stock = f"{available} in stock" if available else "Sold out"
    sku, disabled = escape(str(row["sku"])), "" if available else " disabled"
    return (
        f'<section class="card"><h2>{escape(str(row["title"]))}</h2><div class="soft">{sku}</div>'
        f'<div><span class="price">{escape(str(row["price"]))} {escape(str(row["currency"]))}</span>'
        f' <span class="soft">· {stock}</span></div><form method="post" action="/buy">'
        f'<input type="hidden" name="sku" value="{sku}">'
        f'<input type="number" name="quantity" value="1" min="1" max="{available}"'
        f' aria-label="Quantity of {sku}"{disabled}><button{disabled}>Buy</button></form></section>'
    )


def order_page(order: JsonObject) -> Response:
    """One order's progress, from ``judge.order_state``."""
    refnum = escape(str(order["refnum"]))
    shipped = bool(order["packages"])
    steps = [
        ("Received", True),
        ("Acknowledged", bool(order["acknowledged_at"])),
        ("Shipped", shipped),
        ("Completed", bool(order["completed_at"])),
    ]
    if order["cancelled_at"] or order["cancel_requested"]:
        steps = [*steps[:2], ("Cancelled" if order["cancelled_at"] else "Cancellation requested", True)]
    progress = "".join(f'<li class="{"done" if done else ""}">{name}</li>' for name, done in steps)
    money = f"Total {order['total']} · captured {order['captured']} · refunded {order['refunded']}"
    body = (
        f'<h1>Order {refnum}</h1><ol class="steps">{progress}</ol>'
        f'<p class="soft">{escape(money)} {escape(str(order["currency"]))}</p>'
        + _table(
            order["items"],
            sku="SKU",
            description="Item",
            quantity="Ordered",
            shipped="Shipped",
            cancelled="Cancelled",
            returned="Returned",
        )
        + (
            "<h1>Packages</h1>"
            + _table(order["packages"], carrier="Carrier", tracking_number="Tracking", shipped_at="Shipped")
            if shipped
            else ""
        )
    )
    return _page(f"Order {order['refnum']}", body)


def _table(rows: object, **columns: str) -> str:
    head = "".join(f"<th>{title}</th>" for title in columns.values())
    lines = ""
    for row in rows if isinstance(rows, list) else []:
        lines += "<tr>" + "".join(f"<td>{escape(str(row[name]))}</td>" for name in columns) + "</tr>"
    return f'<div class="card"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'
