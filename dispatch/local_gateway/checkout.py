"""The checkout: a page on which a person pays or fails, and its twin for programs; no card is asked for."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from aiohttp import web

from dispatch.local_gateway import checks
from dispatch.local_gateway.bank import Bank
from dispatch.local_gateway.payments import Payments
from dispatch.local_gateway.refusals import Refusal
from dispatch.local_gateway.store import Doc

_LABELS = {"upi": "UPI", "card": "Card", "netbanking": "Netbanking", "wallet": "Wallet"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

STYLE = """
:root { color-scheme: light dark; --line: #8884; --accent: #1d5fd1; --bad: #b3261e; }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  font: 16px/1.5 system-ui, sans-serif; }
main { width: min(26rem, 100%); border: 1px solid var(--line); border-radius: 12px; padding: 1.5rem; }
h1 { font-size: 1rem; margin: 0; font-weight: 600; }
.amount { font-size: 2.2rem; font-weight: 700; margin: .25rem 0 1rem; font-variant-numeric: tabular-nums; }
fieldset { border: 0; margin: 0 0 1rem; padding: 0; display: grid; gap: .5rem; }
legend { padding: 0; margin-bottom: .5rem; }
label { display: flex; gap: .75rem; align-items: center; padding: .75rem; border: 1px solid var(--line);
  border-radius: 8px; cursor: pointer; }
label:has(input:checked) { border-color: var(--accent); outline: 1px solid var(--accent); }
button { width: 100%; padding: .8rem; margin-top: .5rem; font: inherit; font-weight: 600; border-radius: 8px;
  border: 1px solid var(--accent); background: var(--accent); color: #fff; cursor: pointer; }
button.plain { background: none; border-color: var(--line); color: var(--bad); }
button:focus-visible, label:focus-within { outline: 3px solid var(--accent); outline-offset: 2px; }
.note { font-size: .85rem; opacity: .75; margin: 1rem 0 0; }
dl { font-size: .85rem; margin: 1rem 0 0; }
dt { opacity: .75; }
dd { margin: 0 0 .5rem; overflow-wrap: anywhere; }
.bad { color: var(--bad); }
"""


class Checkout:
    """The handlers of /checkout and /l."""

    def __init__(self, bank: Bank, payments: Payments) -> None:
        self._bank = bank
        self._payments = payments

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/checkout.css", self.style),
            web.get("/checkout/{order_id}", self.page),
            web.post("/checkout/{order_id}", self.click),
            web.post("/checkout/{order_id}/pay", self.pay),
            web.get("/l/{link_id}", self.short_link),
        ]

    async def style(self, request: web.Request) -> web.Response:
        return web.Response(text=STYLE, content_type="text/css")

    async def short_link(self, request: web.Request) -> web.Response:
        link = self._bank.get("payment_link", request.match_info["link_id"])
        raise web.HTTPFound(f"/checkout/{link['order_id']}")

    async def page(self, request: web.Request) -> web.Response:
        order = self._payments.order(request.match_info["order_id"])
        callback_url = _checked_callback(request.query.get("callback_url"))
        if order["status"] == "paid":
            return _html("Already paid", f"{_amount(order)}<p>This order is paid.</p>{_facts({'Order': order['id']})}")
        return _html("Pay", _form(order, callback_url, self._payments.methods_of(order["id"])))

    async def click(self, request: web.Request) -> web.Response:
        """A press of one of the two buttons."""
        form = await request.post()
        order_id = request.match_info["order_id"]
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        checks.only(fields, ("method", "outcome", "callback_url"))
        callback_url = _checked_callback(fields.get("callback_url"))
        order = self._payments.order(order_id)
        if order["status"] == "paid":
            return await self.page(request)
        outcome = fields.get("outcome", "")
        if outcome not in ("captured", "failed"):
            raise Refusal("The outcome is captured or failed.", field="outcome")
        methods = self._payments.methods_of(order_id)
        payment = self._payments.pay(order_id, fields.get("method", methods[0]), outcome)
        if payment["status"] == "failed":
            return self._failed(order, payment, callback_url)
        target, result = self._success(payment, callback_url)
        if target:
            raise web.HTTPSeeOther(_with_query(target, result))
        return _html("Paid", f"{_amount(order)}<p>Thank you: it is paid.</p>{_facts(result)}")

    async def pay(self, request: web.Request) -> web.Response:
        """JSON {method, outcome, after_s?} -> the signed triple, or why it failed."""
        body = await json_body(request)
        checks.only(body, ("method", "outcome", "after_s"))
        after_s = body.get("after_s")
        if after_s is not None and (type(after_s) not in (int, float) or not -1 <= after_s <= 86_400):
            raise Refusal("after_s is a number of seconds.", field="after_s")
        order_id, outcome = request.match_info["order_id"], body.get("outcome", "captured")
        method = body.get("method") or self._payments.methods_of(order_id)[0]
        payment = self._payments.pay(order_id, method, outcome, after_s)
        if payment["status"] == "failed":
            return web.json_response(
                {
                    "status": "failed",
                    "razorpay_order_id": payment["order_id"],
                    "razorpay_payment_id": payment["id"],
                    "error": _failure(payment),
                }
            )
        return web.json_response({"status": payment["status"], **self.triple(payment)})

    def triple(self, payment: Doc) -> dict[str, str]:
        """What the browser gets and hands to the shop."""
        return {
            "razorpay_order_id": payment["order_id"],
            "razorpay_payment_id": payment["id"],
            "razorpay_signature": self._bank.sign(f"{payment['order_id']}|{payment['id']}"),
        }

    def _success(self, payment: Doc, callback_url: str) -> tuple[str, dict[str, str]]:
        """Where to go, and with what; a payment link has its own words and its own address."""
        link_id = self._bank.get("order", payment["order_id"])["_link"]
        if not link_id:
            return callback_url, self.triple(payment)
        link = self._bank.get("payment_link", link_id)
        signed = f"{link_id}|{link['reference_id']}|{link['status']}|{payment['id']}"
        return link["callback_url"], {
            "razorpay_payment_id": payment["id"],
            "razorpay_payment_link_id": link_id,
            "razorpay_payment_link_reference_id": link["reference_id"],
            "razorpay_payment_link_status": link["status"],
            "razorpay_signature": self._bank.sign(signed),
        }

    def _failed(self, order: Doc, payment: Doc, callback_url: str) -> web.Response:
        if callback_url:
            error = {f"error[{k}]": v if isinstance(v, str) else json.dumps(v) for k, v in _failure(payment).items()}
            raise web.HTTPSeeOther(_with_query(callback_url, error))
        why = html.escape(payment["error_description"])
        form = _form(order, callback_url, self._payments.methods_of(order["id"]))
        return _html("Not paid", f'<p class="bad" role="alert">Not paid: {why}</p>{form}')


async def json_body(request: web.Request) -> dict[str, Any]:
    """The body as an object; an empty body is an empty object."""
    raw = await request.read()
    try:
        body = json.loads(raw) if raw.strip() else {}
    except (ValueError, RecursionError):
        raise Refusal("The request body is not valid JSON.") from None
    if not isinstance(body, dict):
        raise Refusal("The request body must be an object.")
    return body


def front_page() -> web.Response:
    """What a browser sees that opens the bare address."""
    return _html(
        "Local payment gateway",
        "<p>It speaks the HTTP of Razorpay for development and moves no money. The server calls it under /v1; people "
        "pay on the page of their order, <code>/checkout/{order_id}</code>; <code>/_control</code> (with the key of "
        "the API) makes trouble on demand.</p>",
    )


def error_page(refusal: Refusal) -> web.Response:
    page = _html("Not possible", f'<p class="bad" role="alert">{html.escape(refusal.description)}</p>')
    page.set_status(refusal.status)
    return page


def _failure(payment: Doc) -> dict[str, Any]:
    return {
        "code": payment["error_code"],
        "description": payment["error_description"],
        "source": payment["error_source"],
        "step": payment["error_step"],
        "reason": payment["error_reason"],
        "metadata": {"payment_id": payment["id"], "order_id": payment["order_id"]},
    }


def _checked_callback(url: str | None) -> str:
    if not url:
        return ""
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise Refusal("callback_url is not a valid URL", field="callback_url")
    return url


def _with_query(url: str, params: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    query = "&".join(filter(None, (parts.query, urlencode(params))))
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def _amount(order: Doc) -> str:
    major, minor = divmod(order["amount"], 100)
    sign = "₹" if order["currency"] == "INR" else f"{order['currency']} "
    return f'<p class="amount">{html.escape(sign)}{major:,}.{minor:02d}</p>'


def _form(order: Doc, callback_url: str, methods: Sequence[str]) -> str:
    choices = "".join(
        f'<label><input type="radio" name="method" value="{name}"{" checked" if name == methods[0] else ""}>'
        f"{_LABELS[name]}</label>"
        for name in methods
    )
    hidden = f'<input type="hidden" name="callback_url" value="{html.escape(callback_url)}">' if callback_url else ""
    return (
        f'{_amount(order)}<form method="post" action="/checkout/{html.escape(order["id"])}">{hidden}'
        f"<fieldset><legend>Pay with</legend>{choices}</fieldset>"
        '<button name="outcome" value="captured">Pay</button>'
        '<button class="plain" name="outcome" value="failed">Fail</button></form>'
        '<p class="note">This is a test gateway. No money moves, and it asks for no card number.</p>'
        f"{_facts({'Order': order['id'], 'Receipt': order['receipt'] or ''})}"
    )


def _facts(facts: Mapping[str, str]) -> str:
    rows = "".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in facts.items() if v)
    return f"<dl>{rows}</dl>"


def _html(title: str, body: str) -> web.Response:
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title} - test gateway</title><link rel="stylesheet" href="/checkout.css"></head>'
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    )
    return web.Response(text=page, content_type="text/html", headers=_HEADERS)
