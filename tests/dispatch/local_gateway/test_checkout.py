"""The page on which a person pays: it renders, both buttons work, and nothing from outside gets into it."""

from __future__ import annotations

import hashlib
import hmac
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import aiohttp

from dispatch.local_gateway.server import LocalGateway
from tests.dispatch.local_gateway.calls import an_order, get, post


class Page(HTMLParser):
    """The form of a page as a browser without JavaScript sees it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


async def test_the_page_offers_four_methods_and_two_buttons(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http, 177_120)
    async with aiohttp.ClientSession() as person, person.get(gw.checkout_url(order["id"])) as reply:
        text = await reply.text()
        policy = reply.headers["Content-Security-Policy"]
    page = Page(text)
    assert "₹1,771.20" in text
    assert [i["value"] for i in page.all("input") if i["name"] == "method"] == [
        "upi",
        "card",
        "netbanking",
        "wallet",
    ]
    assert [b["value"] for b in page.all("button")] == ["captured", "failed"]
    assert not page.all("script")
    assert "script" not in policy and "'none'" in policy
    async with http.get("/checkout.css") as style:
        assert style.status == 200


async def test_pay_without_callback_shows_the_result(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http)
    form = {"method": "wallet", "outcome": "captured"}
    async with http.post(f"/checkout/{order['id']}", data=form) as reply:
        assert (reply.status, "Thank you" in await reply.text()) == (200, True)
    payments = await get(http, f"/v1/orders/{order['id']}/payments")
    assert [(p["method"], p["status"]) for p in payments["items"]] == [("wallet", "captured")]
    # A second press of the button pays nothing.
    async with http.post(f"/checkout/{order['id']}", data=form) as reply:
        assert "already" in (await reply.text()).lower()
    assert (await get(http, f"/v1/orders/{order['id']}/payments"))["count"] == 1


async def test_pay_goes_back_with_the_signed_triple(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http)
    form = {"method": "upi", "outcome": "captured", "callback_url": "https://shop.example/done?booking=b1"}
    async with http.post(f"/checkout/{order['id']}", data=form, allow_redirects=False) as reply:
        assert reply.status == 303
        target = urlsplit(reply.headers["Location"])
    query = {name: values[0] for name, values in parse_qs(target.query).items()}
    assert (target.hostname, query["booking"], query["razorpay_order_id"]) == (
        "shop.example",
        "b1",
        order["id"],
    )
    message = f"{order['id']}|{query['razorpay_payment_id']}".encode()
    expected = hmac.new(gw.key_secret.encode(), message, hashlib.sha256).hexdigest()
    assert query["razorpay_signature"] == expected


async def test_fail_says_why_and_lets_try_again(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http)
    async with http.post(f"/checkout/{order['id']}", data={"outcome": "failed"}) as reply:
        text = await reply.text()
    assert "Not paid" in text
    assert len(Page(text).all("button")) == 2
    form = {"outcome": "failed", "callback_url": "http://127.0.0.1/back"}
    async with http.post(f"/checkout/{order['id']}", data=form, allow_redirects=False) as reply:
        query = parse_qs(urlsplit(reply.headers["Location"]).query)
    assert query["error[code]"] == ["BAD_REQUEST_ERROR"]
    assert "razorpay_signature" not in query


async def test_what_comes_from_outside_is_escaped(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http, receipt="<script>alert(1)</script>")
    url = 'https://shop.example/"><script>x</script>'
    async with http.get(f"/checkout/{order['id']}", params={"callback_url": url}) as reply:
        text = await reply.text()
    assert not Page(text).all("script")
    async with http.get(f"/checkout/{order['id']}", params={"callback_url": "javascript:alert(1)"}) as reply:
        assert reply.status == 400
    async with http.get("/checkout/<b>x") as reply:
        assert (reply.status, "<b>" in await reply.text()) == (400, False)


async def test_card_numbers_are_refused(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    order = await an_order(http)
    card = {"method": "card", "outcome": "captured", "card_number": "4111111111111111"}
    async with http.post(f"/checkout/{order['id']}", data=card) as reply:
        assert (reply.status, "4111" in await reply.text()) == (400, False)
    async with http.post(f"/checkout/{order['id']}/pay", json=card) as reply:
        assert reply.status == 400
    assert (await get(http, f"/v1/orders/{order['id']}/payments"))["count"] == 0


async def test_a_links_callback_has_its_own_words(gw: LocalGateway, http: aiohttp.ClientSession) -> None:
    body = {
        "amount": 50_000,
        "reference_id": "s1",
        "callback_url": "https://shop.example/l",
        "callback_method": "get",
    }
    link = await post(http, "/v1/payment_links", body)
    form = {"method": "upi", "outcome": "captured"}
    async with http.post(f"/checkout/{link['order_id']}", data=form, allow_redirects=False) as reply:
        query = {k: v[0] for k, v in parse_qs(urlsplit(reply.headers["Location"]).query).items()}
    assert query["razorpay_payment_link_status"] == "paid"
    message = f"{link['id']}|s1|paid|{query['razorpay_payment_id']}".encode()
    assert query["razorpay_signature"] == hmac.new(gw.key_secret.encode(), message, hashlib.sha256).hexdigest()
