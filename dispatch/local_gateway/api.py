"""The gateway's HTTP: the routes, who may call them, keys in flight, trouble on demand, and the control."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

from dispatch.local_gateway.bank import Bank
from dispatch.local_gateway.checkout import Checkout, error_page, front_page, json_body
from dispatch.local_gateway.control import Control
from dispatch.local_gateway.faults import ApiFaults
from dispatch.local_gateway.links import Links
from dispatch.local_gateway.payments import Payments
from dispatch.local_gateway.payouts import Payouts
from dispatch.local_gateway.refusals import Refusal
from dispatch.local_gateway.store import Doc
from dispatch.local_gateway.trouble import strike
from dispatch.local_gateway.webhooks import Sender

MAX_BODY_BYTES = 1 << 20
_KEY_HEADERS = ("X-Refund-Idempotency", "X-Payout-Idempotency")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Desk = Callable[[web.Request, dict[str, Any]], Doc]


class Api:
    """Everything wired to one aiohttp application."""

    def __init__(self, bank: Bank, key_id: str, webhook_secret: str) -> None:
        self.bank = bank
        self.payments = Payments(bank)
        self.links = Links(bank, self.payments)
        self.payouts = Payouts(bank)
        self.faults = ApiFaults(bank.seed)
        self.sender = Sender(bank, webhook_secret, self.do_due)
        self.calls: Counter[str] = Counter()
        self.control = Control(bank, self.faults, self.sender, self.calls, self.do_due)
        self._authorization = aiohttp.encode_basic_auth(key_id, bank.key_secret)
        self._in_flight: set[str] = set()

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._refusals, self._guard], client_max_size=MAX_BODY_BYTES)
        app.add_routes(Checkout(self.bank, self.payments).routes())
        app.add_routes(self.control.routes())
        for method, path, desk in self._table():
            app.router.add_route(method, path, _handler(desk))
        app.router.add_route("*", "/v1/{rest:.*}", _handler(_unknown_url))
        app.router.add_get("/", _front)
        return app

    def do_due(self, *, everything: bool = False, target: str | None = None) -> int:
        """Late authorisations and settlements whose time has come (or all, or one). Returns how many."""
        store = self.bank.store
        jobs = store.all_jobs() if everything or target else store.due_jobs(time.time())
        steps = {
            "authorize": self.payments.authorize_late,
            "refund": self.payments.settle_refund,
            "payout": self.payouts.settle,
        }
        done = [job for job in jobs if target in (None, job.target)]
        for job in done:
            with store.transaction():
                steps[job.kind](job.target)
                store.drop_job(job.seq)
        return len(done)

    def _table(self) -> list[tuple[str, str, Desk]]:
        orders, links, payouts = self.payments, self.links, self.payouts
        return [
            ("POST", "/v1/orders", lambda r, body: orders.create_order(body)),
            ("GET", "/v1/orders", lambda r, _: orders.orders(r.query)),
            ("GET", "/v1/orders/{id}", lambda r, _: orders.order(_id(r))),
            ("GET", "/v1/orders/{id}/payments", lambda r, _: orders.order_payments(_id(r))),
            ("GET", "/v1/payments", lambda r, _: orders.payments(r.query)),
            ("GET", "/v1/payments/{id}", lambda r, _: orders.payment(_id(r))),
            ("POST", "/v1/payments/{id}/capture", lambda r, body: orders.capture(_id(r), body)),
            ("POST", "/v1/payments/{id}/refund", lambda r, body: orders.refund(_id(r), body, _key(r))),
            ("GET", "/v1/payments/{id}/refunds", lambda r, _: orders.payment_refunds(_id(r))),
            ("GET", "/v1/refunds", lambda r, _: orders.refunds(r.query)),
            ("GET", "/v1/refunds/{id}", lambda r, _: orders.refund_of(_id(r))),
            ("POST", "/v1/payment_links", lambda r, body: links.create(body)),
            ("GET", "/v1/payment_links", lambda r, _: links.links(r.query)),
            ("GET", "/v1/payment_links/{id}", lambda r, _: links.link(_id(r))),
            ("POST", "/v1/payment_links/{id}/cancel", lambda r, _: links.cancel(_id(r))),
            ("POST", "/v1/contacts", lambda r, body: payouts.create_contact(body)),
            ("POST", "/v1/fund_accounts", lambda r, body: payouts.create_fund_account(body)),
            ("POST", "/v1/payouts", lambda r, body: payouts.create_payout(body, _key(r))),
            ("GET", "/v1/payouts", lambda r, _: payouts.payouts(r.query)),
            ("GET", "/v1/payouts/{id}", lambda r, _: payouts.payout(_id(r))),
        ]

    @web.middleware
    async def _refusals(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            if request.path.startswith(("/checkout", "/l/")) and not request.path.endswith("/pay"):
                return error_page(refusal)
            return web.json_response(refusal.body(), status=refusal.status)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Who is it, is its key in flight, and does a fault strike."""
        if not request.path.startswith(("/v1/", "/_control")):
            return await handler(request)
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), self._authorization.encode()):
            raise Refusal("Authentication failed", status=401, reason="NA")
        if not request.path.startswith("/v1/"):
            return await handler(request)
        self.calls[f"{request.method} {request.match_info.route.resource.canonical}"] += 1  # type: ignore[union-attr]
        fault = self.faults.pick(request.method, request.path)
        key = _key(request)
        claim = f"{request.path} {key}"
        if key is not None and claim in self._in_flight:
            raise Refusal(
                "Another request with the same idempotency key is still in progress.", status=409, reason="NA"
            )
        if key is not None:
            self._in_flight.add(claim)
        try:
            if fault is not None and not fault.after and fault.kind != "slow":
                return await strike(request, fault)
            if fault is not None and not fault.after:
                await asyncio.sleep(fault.seconds)
            reply = await handler(request)
        finally:
            self._in_flight.discard(claim)
        if fault is None or not fault.after:
            return reply
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            return reply
        return await strike(request, fault)


def _handler(desk: Desk) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        body = await json_body(request) if request.method == "POST" else {}
        return web.json_response(desk(request, body))

    return handle


async def _front(request: web.Request) -> web.StreamResponse:
    return front_page()


def _unknown_url(request: web.Request, body: dict[str, Any]) -> Doc:
    raise Refusal("The requested URL was not found on the server.", reason="NA")


def _id(request: web.Request) -> str:
    return request.match_info["id"]


def _key(request: web.Request) -> str | None:
    return next((request.headers[name] for name in _KEY_HEADERS if name in request.headers), None)
