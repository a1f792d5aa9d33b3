"""Payment links: an order with an address to pay it at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from dispatch.local_gateway import checks
from dispatch.local_gateway.bank import Bank, public
from dispatch.local_gateway.payments import METHODS, Payments
from dispatch.local_gateway.refusals import Refusal
from dispatch.local_gateway.store import Doc

_FIELDS = (
    "amount currency accept_partial expire_by reference_id description customer notify reminder_enable notes "
    "callback_url callback_method options"
)


class Links:
    """Every public method is one transaction."""

    def __init__(self, bank: Bank, payments: Payments) -> None:
        self._bank = bank
        self._store = bank.store
        self._payments = payments

    def create(self, body: Mapping[str, Any]) -> Doc:
        """A reference_id is taken once."""
        checks.only(body, _FIELDS.split())
        amount, currency, notes = checks.amount(body), checks.currency(body), checks.notes(body)
        reference = checks.text(body, "reference_id", most=40)
        callback = checks.text(body, "callback_url", most=2048)
        if callback is not None and urlsplit(callback).scheme not in ("http", "https"):
            raise Refusal("callback_url is not a valid URL", field="callback_url")
        expire_by = checks.moment(body, "expire_by")
        if expire_by and expire_by <= self._bank.now():
            raise Refusal("expire_by should be at least 15 minutes after current time", field="expire_by")
        methods = checks.shown_methods(body, METHODS)
        with self._store.transaction():
            if reference and self._store.by_reference("payment_link", reference):
                raise Refusal(f"payment link creation with reference_id:{reference} already attempted")
            link_id = self._bank.new_id("payment_link")
            order = self._payments.add_order(
                amount, currency, reference, notes, auto_capture=True, link=link_id, methods=methods
            )
            link: Doc = {
                "accept_partial": False,
                "amount": amount,
                "amount_paid": 0,
                "callback_method": "get" if callback else "",
                "callback_url": callback or "",
                "cancelled_at": 0,
                "created_at": self._bank.now(),
                "currency": currency,
                "customer": body.get("customer") or {},
                "description": checks.text(body, "description", most=2048) or "",
                "expire_by": expire_by,
                "expired_at": 0,
                "first_min_partial_amount": 0,
                "id": link_id,
                "notes": notes,
                "notify": {"email": False, "sms": False},
                "order_id": order["id"],
                "payments": [],
                "reference_id": reference or "",
                "reminder_enable": False,
                "reminders": [],
                "short_url": f"{self._bank.public_url}/l/{link_id}",
                "status": "created",
                "updated_at": self._bank.now(),
                "upi_link": False,
                "user_id": "",
            }
            self._store.add("payment_link", link, reference=reference)
        return public(link)

    def link(self, link_id: str) -> Doc:
        """A link whose time is over says so from then on."""
        with self._store.transaction():
            return public(self._aged(self._bank.get("payment_link", link_id)))

    def links(self, query: Mapping[str, str]) -> Doc:
        if "reference_id" in query:
            found = self._store.by_reference("payment_link", query["reference_id"])
        else:
            found = self._store.page("payment_link", *checks.page(query))
        with self._store.transaction():
            return {"payment_links": [public(self._aged(link)) for link in found]}

    def cancel(self, link_id: str) -> Doc:
        with self._store.transaction():
            link = self._aged(self._bank.get("payment_link", link_id))
            if link["status"] != "created":
                raise Refusal(f"Payment link in {link['status']} state can't be cancelled")
            link |= {"status": "cancelled", "cancelled_at": self._bank.now(), "updated_at": self._bank.now()}
            self._store.save(link)
            self._bank.emit("payment_link.cancelled", payment_link=link)
        return public(link)

    def _aged(self, link: Doc) -> Doc:
        if link["status"] == "created" and link["expire_by"] and link["expire_by"] <= self._bank.now():
            link |= {"status": "expired", "expired_at": link["expire_by"]}
            self._store.save(link)
            self._bank.emit("payment_link.expired", payment_link=link)
        return link
