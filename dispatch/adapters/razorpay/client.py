"""The Razorpay gateway: the real SDK, which blocks, behind async calls with time limits and three errors."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import razorpay

from dispatch.adapters.razorpay import wire as wire
from dispatch.adapters.razorpay.session import BoundedSession
from dispatch.ports.gateway import (
    LINK_METHODS,
    BankAccount,
    GatewayError,
    GatewayLink,
    GatewayOrder,
    GatewayPayment,
    GatewayPayout,
    GatewayRefund,
    GatewayRefused,
    GatewayRetryable,
    GatewayUnknown,
)

T = TypeVar("T")
Call = Callable[[Any], Any]
"""Gets the SDK's client, returns the decoded reply."""

PAGE_SIZE = 100  # Razorpay's largest
MAX_REPLY_BYTES = 1 << 20
# The thread gives up a little before its caller, so that the caller learns what the thread knows.
_THREAD_SHARE = 0.95


class RazorpayGateway:
    """`dispatch.billing.gateway.Gateway` over Razorpay's HTTP. One per process; `close()` it.

    A call that waits for a free thread until its time is up was never sent (`GatewayRetryable`).
    """

    def __init__(
        self,
        key_id: str,
        key_secret: str,
        *,
        base_url: str = "https://api.razorpay.com",
        payout_account: str = "",
        connect_timeout_s: float = 3.0,
        total_timeout_s: float = 10.0,
        threads: int = 4,
        max_reply_bytes: int = MAX_REPLY_BYTES,
    ) -> None:
        """`payout_account` is the business account that payouts are paid from."""
        self._key_id = key_id
        self._key_secret = key_secret
        self._base_url = base_url.rstrip("/")
        self._payout_account = payout_account
        self._connect_timeout_s = connect_timeout_s
        self._total_timeout_s = total_timeout_s
        self._max_reply_bytes = max_reply_bytes
        self._pool = ThreadPoolExecutor(threads, "razorpay")
        self._local = threading.local()
        self._sessions: list[BoundedSession] = []

    @property
    def key_id(self) -> str:
        return self._key_id

    # Orders and payments

    async def create_order(
        self, amount_minor: int, currency: str, receipt: str, notes: Mapping[str, str] | None = None
    ) -> GatewayOrder:
        """Not idempotent at Razorpay: after `GatewayUnknown` look the order up by its receipt."""
        data = {
            "amount": wire.amount(amount_minor),
            "currency": currency,
            "receipt": receipt,
            "payment_capture": True,
            "notes": dict(notes or {}),
        }
        order = await self._call(wire.order_of, lambda sdk: sdk.order.create(data))
        wire.echo(order.amount_minor == amount_minor, order.currency == currency, order.receipt == receipt)
        return order

    async def fetch_order(self, order_id: str) -> GatewayOrder:
        wire.check_id(order_id, "order")
        order = await self._call(wire.order_of, lambda sdk: sdk.order.fetch(order_id, {}))
        wire.echo(order.id == order_id)
        return order

    async def find_order_by_receipt(self, receipt: str) -> GatewayOrder | None:
        """If there are several (a lost reply was answered by a second create): the one furthest on."""
        params = {"receipt": receipt, "count": PAGE_SIZE}
        orders = await self._call(_list(wire.order_of), lambda sdk: sdk.order.all(params))
        ours = [order for order in orders if order.receipt == receipt]
        progress = ("created", "attempted", "paid").index
        return max(ours, key=lambda o: (progress(o.status), -o.created_at.timestamp(), o.id), default=None)

    async def fetch_order_payments(self, order_id: str) -> list[GatewayPayment]:
        wire.check_id(order_id, "order")
        payments = await self._call(
            _list(wire.payment_of), lambda sdk: sdk.order.payments(order_id, {"count": PAGE_SIZE})
        )
        wire.echo(all(payment.order_id == order_id for payment in payments))
        return payments

    async def fetch_payment(self, payment_id: str) -> GatewayPayment:
        wire.check_id(payment_id, "pay")
        payment = await self._call(wire.payment_of, lambda sdk: sdk.payment.fetch(payment_id, {}))
        wire.echo(payment.id == payment_id)
        return payment

    async def capture(self, payment_id: str, amount_minor: int, currency: str) -> GatewayPayment:
        """The gateway captures once: a repetition is refused, then `fetch_payment` tells."""
        wire.check_id(payment_id, "pay")
        amount = wire.amount(amount_minor)
        # The SDK writes into its default argument, which all threads share: always give it a new dict.
        payment = await self._call(
            wire.payment_of, lambda sdk: sdk.payment.capture(payment_id, amount, {"currency": currency})
        )
        wire.echo(payment.id == payment_id, payment.amount_minor == amount_minor, payment.captured)
        return payment

    # Refunds

    async def refund(
        self,
        payment_id: str,
        amount_minor: int,
        idempotency_key: str,
        notes: Mapping[str, str] | None = None,
    ) -> GatewayRefund:
        """One refund per key (10 characters or more, letters, digits, - and _), however often it is sent."""
        wire.check_id(payment_id, "pay")
        data = {"amount": wire.amount(amount_minor), "speed": "normal", "notes": dict(notes or {})}
        headers = {"X-Refund-Idempotency": wire.key(idempotency_key, at_least=10, at_most=255)}
        refund = await self._call(
            wire.refund_of, lambda sdk: sdk.payment.refund(payment_id, data, headers=dict(headers))
        )
        wire.echo(refund.payment_id == payment_id, refund.amount_minor == amount_minor)
        return refund

    async def fetch_refund(self, refund_id: str) -> GatewayRefund:
        wire.check_id(refund_id, "rfnd")
        refund = await self._call(wire.refund_of, lambda sdk: sdk.refund.fetch(refund_id, {}))
        wire.echo(refund.id == refund_id)
        return refund

    async def list_refunds_of(self, payment_id: str) -> list[GatewayRefund]:
        wire.check_id(payment_id, "pay")
        refunds = await self._call(
            _list(wire.refund_of),
            lambda sdk: sdk.payment.fetch_multiple_refund(payment_id, {"count": PAGE_SIZE}),
        )
        wire.echo(all(refund.payment_id == payment_id for refund in refunds))
        return refunds

    # Everything of a time, page by page

    async def payments_between(self, from_s: int, to_s: int) -> AsyncIterator[GatewayPayment]:
        """All payments created in [from_s, to_s], each once."""
        pages = self._pages(wire.payment_of, lambda sdk, params: sdk.payment.all(params), from_s, to_s)
        async for payment in pages:
            yield payment

    async def refunds_between(self, from_s: int, to_s: int) -> AsyncIterator[GatewayRefund]:
        """All refunds created in [from_s, to_s], each once."""
        pages = self._pages(wire.refund_of, lambda sdk, params: sdk.refund.all(params), from_s, to_s)
        async for refund in pages:
            yield refund

    async def _pages(
        self, of: Callable[[object], T], call: Callable[[Any, dict[str, int]], Any], from_s: int, to_s: int
    ) -> AsyncIterator[T]:
        seen: set[str] = set()
        skip = 0
        while True:
            params = {"from": from_s, "to": to_s, "count": PAGE_SIZE, "skip": skip}
            items = await self._call(_list(of), partial(_swapped, call, params))
            # New entities come first and push the old ones on, so a page may begin with known ones.
            fresh = [item for item in items if _id_of(item) not in seen]
            for item in fresh:
                seen.add(_id_of(item))
                yield item
            if len(items) < PAGE_SIZE:
                return
            if not fresh:
                raise GatewayUnknown("it gives the same page again and again")
            skip += len(items)

    # Payment links

    async def create_payment_link(
        self,
        amount_minor: int,
        currency: str,
        reference_id: str,
        *,
        description: str = "",
        notes: Mapping[str, str] | None = None,
        expire_by_s: int | None = None,
        callback_url: str | None = None,
        methods: Sequence[str] = (),
    ) -> GatewayLink:
        """`reference_id` is unique at Razorpay (at most 40 characters): a second link with it is refused.

        `methods` of LINK_METHODS are all that its page offers; none named: whatever the account has.
        """
        data: dict[str, Any] = {
            "amount": wire.amount(amount_minor),
            "currency": currency,
            "reference_id": reference_id,
            "description": description,
            "notes": dict(notes or {}),
        }
        if expire_by_s is not None:
            data["expire_by"] = expire_by_s
        if methods:
            shown = {name: str(int(name in methods)) for name in LINK_METHODS}
            data["options"] = {"checkout": {"method": shown}}
        if callback_url is not None:
            data |= {"callback_url": callback_url, "callback_method": "get"}
        link = await self._call(wire.link_of, lambda sdk: sdk.payment_link.create(data))
        wire.echo(link.amount_minor == amount_minor, link.reference_id == reference_id)
        return link

    async def fetch_payment_link(self, link_id: str) -> GatewayLink:
        wire.check_id(link_id, "plink")
        link = await self._call(wire.link_of, lambda sdk: sdk.payment_link.fetch(link_id, {}))
        wire.echo(link.id == link_id)
        return link

    async def find_payment_link(self, reference_id: str) -> GatewayLink | None:
        links = await self._call(
            _list(wire.link_of, "payment_links"),
            lambda sdk: sdk.payment_link.all({"reference_id": reference_id}),
        )
        return next((link for link in links if link.reference_id == reference_id), None)

    async def cancel_payment_link(self, link_id: str) -> GatewayLink:
        wire.check_id(link_id, "plink")
        link = await self._call(wire.link_of, lambda sdk: sdk.payment_link.cancel(link_id))
        wire.echo(link.id == link_id, link.status == "cancelled")
        return link

    # Payouts: the SDK has none, so they go by its raw post

    async def create_contact(self, name: str, reference_id: str) -> str:
        """The contact's id; the same details give the same contact."""
        data = {"name": name, "type": "vendor", "reference_id": reference_id}
        return await self._call(_own_id("cont"), lambda sdk: sdk.post("/v1/contacts", data))

    async def create_fund_account(
        self, contact_id: str, *, bank_account: BankAccount | None = None, vpa: str | None = None
    ) -> str:
        """The fund account's id; of one bank account or UPI address. The same details, the same id."""
        wire.check_id(contact_id, "cont")
        data: dict[str, Any] = {"contact_id": contact_id}
        if bank_account is not None and vpa is None:
            account = {
                "name": bank_account.holder,
                "ifsc": bank_account.ifsc,
                "account_number": bank_account.number,
            }
            data |= {"account_type": "bank_account", "bank_account": account}
        elif vpa is not None and bank_account is None:
            data |= {"account_type": "vpa", "vpa": {"address": vpa}}
        else:
            raise ValueError("a fund account is either a bank account or a UPI address")
        return await self._call(_own_id("fa"), lambda sdk: sdk.fund_account.create(data))

    async def create_payout(
        self,
        fund_account_id: str,
        amount_minor: int,
        currency: str,
        *,
        idempotency_key: str,
        mode: str = "IMPS",
        purpose: str = "payout",
        reference_id: str | None = None,
        narration: str | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> GatewayPayout:
        """One payout per key (4 to 36 characters), however often it is sent."""
        wire.check_id(fund_account_id, "fa")
        if not self._payout_account:
            raise GatewayRefused("no account to pay out from is set")
        data: dict[str, Any] = {
            "account_number": self._payout_account,
            "fund_account_id": fund_account_id,
            "amount": wire.amount(amount_minor),
            "currency": currency,
            "mode": mode,
            "purpose": purpose,
            "queue_if_low_balance": True,
            "reference_id": reference_id,
            "narration": narration,
            "notes": dict(notes or {}),
        }
        headers = {"X-Payout-Idempotency": wire.key(idempotency_key, at_least=4, at_most=36)}
        payout = await self._call(wire.payout_of, lambda sdk: sdk.post("/v1/payouts", data, headers=dict(headers)))
        wire.echo(payout.fund_account_id == fund_account_id, payout.amount_minor == amount_minor)
        return payout

    async def fetch_payout(self, payout_id: str) -> GatewayPayout:
        wire.check_id(payout_id, "pout")
        payout = await self._call(wire.payout_of, lambda sdk: sdk.get(f"/v1/payouts/{payout_id}", {}))
        wire.echo(payout.id == payout_id)
        return payout

    # Signatures

    def verify_checkout_signature(self, order_id: str, payment_id: str, signature: str) -> bool:
        """`order_id` must be the one we stored. Constant-time."""
        return wire.verify_checkout(order_id, payment_id, signature, self._key_secret)

    def verify_webhook(self, raw: bytes, signature: str, secrets: Sequence[str]) -> bool:
        """Over the raw bytes, with the current secret and the previous ones. Constant-time."""
        return wire.verify_webhook(raw, signature, secrets)

    # The one way out

    async def close(self) -> None:
        """Waits for the calls under way (they have deadlines), then closes the connections."""
        await asyncio.to_thread(self._pool.shutdown, wait=True, cancel_futures=True)
        while self._sessions:
            self._sessions.pop().close()

    async def _call(self, parse: Callable[[object], T], call: Call) -> T:
        deadline = time.monotonic() + self._total_timeout_s * _THREAD_SHARE
        try:
            job = self._pool.submit(self._in_thread, call, deadline)
        except RuntimeError as error:
            raise GatewayRetryable("the gateway client is closed") from error
        future = asyncio.wrap_future(job)
        try:
            await asyncio.wait({future}, timeout=self._total_timeout_s)
            if not future.done():
                if job.cancel():
                    raise GatewayRetryable("no thread was free in time")
                raise GatewayUnknown("no reply in time")
        finally:
            if not future.done():
                future.cancel()
        try:
            return parse(await future)
        except wire.Garbled as error:
            raise GatewayUnknown(str(error)) from error

    def _in_thread(self, call: Call, deadline: float) -> Any:
        client = self._client()
        session: BoundedSession = client.session
        session.deadline = deadline
        try:
            return call(client)
        except GatewayError:
            raise
        except Exception as error:
            raise session.error_of(error) from error

    def _client(self) -> Any:
        """The SDK's client of this thread: its session keeps the last reply's status, so none is shared."""
        client = getattr(self._local, "client", None)
        if client is None:
            session = BoundedSession(self._connect_timeout_s, self._max_reply_bytes, self._base_url)
            self._sessions.append(session)
            auth = (self._key_id, self._key_secret)
            client = self._local.client = razorpay.Client(session=session, auth=auth, base_url=self._base_url)
        return client


def _list(of: Callable[[object], T], items_name: str = "items") -> Callable[[object], list[T]]:
    return lambda doc: wire.collection_of(doc, of, items_name)


def _own_id(prefix: str) -> Callable[[object], str]:
    return lambda doc: wire.own_id_of(doc, prefix)


def _swapped(call: Callable[[Any, dict[str, int]], Any], params: dict[str, int], sdk: Any) -> Any:
    return call(sdk, params)


def _id_of(item: Any) -> str:
    return str(item.id)
