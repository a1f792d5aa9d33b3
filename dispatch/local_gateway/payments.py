"""Orders, the payments on them, captures and refunds: what they may do to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dispatch.local_gateway import checks
from dispatch.local_gateway.bank import Bank, collection, public
from dispatch.local_gateway.refusals import Refusal
from dispatch.local_gateway.store import Doc

METHODS = ("upi", "card", "netbanking", "wallet")
OUTCOMES = ("captured", "failed", "authorized", "authorized_late")
_FEE_PERCENT = 2
_TAX_PERCENT = 18


class Payments:
    """Every public method is one transaction."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._store = bank.store

    # Orders

    def create_order(self, body: Mapping[str, Any]) -> Doc:
        """Not idempotent, as at Razorpay: the same receipt twice makes two orders."""
        checks.only(body, ("amount", "currency", "receipt", "notes", "payment_capture", "partial_payment"))
        with self._store.transaction():
            return public(
                self.add_order(
                    checks.amount(body),
                    checks.currency(body),
                    checks.text(body, "receipt", most=40),
                    checks.notes(body),
                    auto_capture=body.get("payment_capture", True) not in (False, 0, "0"),
                )
            )

    def add_order(
        self,
        amount: int,
        currency: str,
        receipt: str | None,
        notes: Any,
        *,
        auto_capture: bool,
        link: str | None = None,
        methods: Sequence[str] = METHODS,
    ) -> Doc:
        """Within the caller's transaction. `methods` are those that people are offered."""
        order: Doc = {
            "id": self._bank.new_id("order"),
            "entity": "order",
            "amount": amount,
            "amount_paid": 0,
            "amount_due": amount,
            "currency": currency,
            "receipt": receipt,
            "offer_id": None,
            "status": "created",
            "attempts": 0,
            "notes": notes,
            "created_at": self._bank.now(),
            "_auto_capture": auto_capture,
            "_link": link,
            "_methods": list(methods),
        }
        self._store.add("order", order, reference=receipt)
        return order

    def order(self, order_id: str) -> Doc:
        return public(self._bank.get("order", order_id))

    def methods_of(self, order_id: str) -> list[str]:
        """What people are offered at the page of an order."""
        # Orders of a store that is older than this have them all.
        return list(self._bank.get("order", order_id).get("_methods", METHODS))

    def orders(self, query: Mapping[str, str]) -> Doc:
        from_s, to_s, count, skip = checks.page(query)
        if "receipt" in query:
            found = [
                o for o in self._store.by_reference("order", query["receipt"]) if from_s <= o["created_at"] <= to_s
            ]
            return collection(found[skip : skip + count])
        return collection(self._store.page("order", from_s, to_s, count, skip))

    def order_payments(self, order_id: str) -> Doc:
        self._bank.get("order", order_id)
        return collection(self._store.by_parent("payment", order_id))

    # Payments

    def payment(self, payment_id: str) -> Doc:
        return public(self._bank.get("payment", payment_id))

    def payments(self, query: Mapping[str, str]) -> Doc:
        return collection(self._store.page("payment", *checks.page(query)))

    def pay(self, order_id: str, method: str, outcome: str, after_s: float | None = None) -> Doc:
        """What a person does at the checkout.

        `captured` pays (only authorised if the order is captured by hand), `authorized` leaves the capture to
        the shop, `authorized_late` fails first and succeeds `after_s` later. The second success on one order
        is refunded by itself.
        """
        methods = self.methods_of(order_id)
        if method not in methods or outcome not in OUTCOMES:
            raise Refusal(f"method is one of {methods}, outcome one of {OUTCOMES}", field="method")
        with self._store.transaction():
            order = self._bank.get("order", order_id)
            self._check_link(order)
            payment = self._new_payment(order, method)
            order["attempts"] += 1
            order["status"] = "attempted" if order["status"] == "created" else order["status"]
            self._store.add("payment", payment, parent=order_id)
            self._store.save(order)
            if outcome in ("failed", "authorized_late"):
                late = outcome == "authorized_late"
                self._fail(payment, "payment_timed_out" if late else "payment_cancelled")
                if late:
                    self._bank.later(
                        "authorize", payment["id"], self._bank.manners.late_s if after_s is None else after_s
                    )
            else:
                self._authorize(payment, order, capture=outcome == "captured" and order["_auto_capture"])
        return public(payment)

    def authorize_late(self, payment_id: str) -> None:
        """The bank reports a success that it had reported as a failure."""
        with self._store.transaction():
            payment = self._bank.get("payment", payment_id)
            order = self._bank.get("order", payment["order_id"])
            if payment["status"] == "failed":
                self._authorize(payment, order, capture=order["_auto_capture"])

    def capture(self, payment_id: str, body: Mapping[str, Any]) -> Doc:
        checks.only(body, ("amount", "currency"))
        amount, currency = checks.amount(body, least=1), checks.currency(body)
        with self._store.transaction():
            payment = self._bank.get("payment", payment_id)
            order = self._bank.get("order", payment["order_id"])
            if payment["status"] in ("captured", "refunded"):
                raise Refusal("This payment has already been captured", reason="payment_already_captured")
            if payment["status"] != "authorized":
                raise Refusal("Only payments which have been authorized and not yet captured can be captured")
            if amount != payment["amount"] or currency != payment["currency"]:
                raise Refusal("Capture amount must be equal to the amount authorized", field="amount")
            if order["status"] == "paid":
                raise Refusal("The order is already paid", reason="order_already_paid")
            self._capture(payment, order)
        return public(payment)

    # Refunds

    def refund(self, payment_id: str, body: Mapping[str, Any], key: str | None) -> Doc:
        """With a key: once, however often it is asked."""
        if key is None:
            with self._store.transaction():
                return public(self._refund(payment_id, body))
        if len(key) < 10:
            raise Refusal("The idempotency key must be at least 10 characters long.")
        if not key.replace("-", "").replace("_", "").isalnum() or not key.isascii():
            raise Refusal("The idempotency key must only contain alphanumeric characters, underscores, and hyphens")
        asked = {"payment_id": payment_id, "body": dict(body)}
        return self._bank.once("refund", key, asked, lambda: self._refund(payment_id, body))

    def refund_of(self, refund_id: str) -> Doc:
        return public(self._bank.get("refund", refund_id))

    def refunds(self, query: Mapping[str, str]) -> Doc:
        return collection(self._store.page("refund", *checks.page(query)))

    def payment_refunds(self, payment_id: str) -> Doc:
        self._bank.get("payment", payment_id)
        return collection(self._store.by_parent("refund", payment_id))

    def settle_refund(self, refund_id: str) -> None:
        """A pending refund comes to its end."""
        with self._store.transaction():
            refund = self._bank.get("refund", refund_id)
            if refund["status"] != "pending":
                return
            refund["status"] = refund["_will_be"]
            self._store.save(refund)
            payment = self._bank.get("payment", refund["payment_id"])
            if refund["status"] == "failed":
                self._count_refund(payment, -refund["amount"])
            self._bank.emit(f"refund.{refund['status']}", refund=refund, payment=payment)

    def _refund(self, payment_id: str, body: Mapping[str, Any]) -> Doc:
        checks.only(body, ("amount", "speed", "notes", "receipt"))
        payment = self._bank.get("payment", payment_id)
        if payment["status"] == "refunded":
            raise Refusal("The payment has been fully refunded already", reason="payment_already_refunded")
        if payment["status"] != "captured":
            raise Refusal("The payment status should be captured for action to be taken")
        left = payment["amount"] - payment["amount_refunded"]
        amount = checks.amount(body, least=min(100, left)) if body.get("amount") is not None else left
        if amount > left:
            raise Refusal("The total refund amount is greater than the refund payment amount", field="amount")
        manner = self._bank.manners.refunds
        will_be = "failed" if manner == "failed" else "processed"
        refund = self._add_refund(
            payment,
            amount,
            checks.notes(body),
            checks.text(body, "receipt", most=40),
            manner == "processed",
            will_be,
        )
        if manner != "processed":
            self._bank.later("refund", refund["id"], self._bank.manners.settle_s)
        return refund

    def _add_refund(
        self, payment: Doc, amount: int, notes: Any, receipt: str | None, at_once: bool, will_be: str
    ) -> Doc:
        refund: Doc = {
            "id": self._bank.new_id("refund"),
            "entity": "refund",
            "amount": amount,
            "currency": payment["currency"],
            "payment_id": payment["id"],
            "notes": notes,
            "receipt": receipt,
            "acquirer_data": {"arn": None},
            "created_at": self._bank.now(),
            "batch_id": None,
            "status": "processed" if at_once else "pending",
            "speed_processed": "normal",
            "speed_requested": "normal",
            "_will_be": will_be,
        }
        self._store.add("refund", refund, parent=payment["id"])
        self._count_refund(payment, amount)
        self._bank.emit("refund.created", refund=refund, payment=payment)
        if at_once:
            self._bank.emit("refund.processed", refund=refund, payment=payment)
        return refund

    def _count_refund(self, payment: Doc, amount: int) -> None:
        payment["amount_refunded"] += amount
        full = payment["amount_refunded"] == payment["amount"]
        payment["refund_status"] = "full" if full else "partial" if payment["amount_refunded"] else None
        payment["status"] = "refunded" if full else "captured"
        self._store.save(payment)

    # The steps of a payment

    def _new_payment(self, order: Doc, method: str) -> Doc:
        return {
            "id": self._bank.new_id("payment"),
            "entity": "payment",
            "amount": order["amount"],
            "currency": order["currency"],
            "status": "created",
            "order_id": order["id"],
            "invoice_id": None,
            "international": False,
            "method": method,
            "amount_refunded": 0,
            "refund_status": None,
            "captured": False,
            "description": None,
            "card_id": None,
            "bank": "HDFC" if method == "netbanking" else None,
            "wallet": "mobikwik" if method == "wallet" else None,
            "vpa": "success@razorpay" if method == "upi" else None,
            "email": None,
            "contact": None,
            "notes": order["notes"],
            "fee": None,
            "tax": None,
            **_error(None, None),
            "acquirer_data": {},
            "created_at": self._bank.now(),
            "_captures": 0,
        }

    def _fail(self, payment: Doc, reason: str) -> None:
        description = {
            "payment_timed_out": "Payment was not completed on time.",
            "payment_cancelled": "The payment was cancelled by the payer.",
        }[reason]
        payment |= {"status": "failed", **_error(reason, description)}
        self._store.save(payment)
        self._bank.emit("payment.failed", payment=payment)

    def _authorize(self, payment: Doc, order: Doc, *, capture: bool) -> None:
        payment |= {"status": "authorized", **_error(None, None)}
        self._store.save(payment)
        self._bank.emit("payment.authorized", payment=payment)
        if order["status"] == "paid":
            # One order takes one payment: the money of any other goes back.
            self._add_refund(payment, payment["amount"], [], None, at_once=True, will_be="processed")
        elif capture:
            self._capture(payment, order)

    def _capture(self, payment: Doc, order: Doc) -> None:
        fee = payment["amount"] * _FEE_PERCENT // 100
        payment |= {"status": "captured", "captured": True, "_captures": payment["_captures"] + 1}
        payment |= {"fee": fee, "tax": fee * _TAX_PERCENT // (100 + _TAX_PERCENT)}
        order |= {"status": "paid", "amount_paid": payment["amount"], "amount_due": 0}
        self._store.save(payment)
        self._store.save(order)
        self._bank.emit("payment.captured", payment=payment)
        self._bank.emit("order.paid", payment=payment, order=order)
        if order["_link"]:
            link = self._bank.get("payment_link", order["_link"])
            link |= {"status": "paid", "amount_paid": payment["amount"], "updated_at": self._bank.now()}
            link["payments"] = [
                {
                    "amount": payment["amount"],
                    "created_at": payment["created_at"],
                    "method": payment["method"],
                    "payment_id": payment["id"],
                    "status": "captured",
                }
            ]
            self._store.save(link)
            self._bank.emit("payment_link.paid", payment_link=link, order=order, payment=payment)

    def _check_link(self, order: Doc) -> None:
        if not order["_link"]:
            return
        link = self._bank.get("payment_link", order["_link"])
        if link["status"] == "cancelled" or (link["expire_by"] and link["expire_by"] <= self._bank.now()):
            raise Refusal("Payment link is cancelled or expired", reason="payment_link_expired")


def _error(reason: str | None, description: str | None) -> Doc:
    return {
        "error_code": "BAD_REQUEST_ERROR" if reason else None,
        "error_description": description,
        "error_source": "customer" if reason else None,
        "error_step": "payment_authentication" if reason else None,
        "error_reason": reason,
    }
