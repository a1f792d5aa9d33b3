"""Contacts, their fund accounts, and money paid out to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from dispatch.local_gateway import checks
from dispatch.local_gateway.bank import Bank, collection, public
from dispatch.local_gateway.refusals import Refusal
from dispatch.local_gateway.store import Doc

MODES = ("NEFT", "RTGS", "IMPS", "UPI", "card", "amazonpay")


class Payouts:
    """Every public method is one transaction."""

    def __init__(self, bank: Bank) -> None:
        self._bank = bank
        self._store = bank.store

    def create_contact(self, body: Mapping[str, Any]) -> Doc:
        """The same details give the same contact."""
        checks.only(body, ("name", "email", "contact", "type", "reference_id", "notes"))
        fields = {
            "name": checks.text(body, "name", most=50, required=True),
            "contact": checks.text(body, "contact"),
            "email": checks.text(body, "email"),
            "type": checks.text(body, "type", most=40),
            "reference_id": checks.text(body, "reference_id", most=40),
        }
        contact = {
            "entity": "contact",
            **fields,
            "batch_id": None,
            "active": True,
            "notes": checks.notes(body),
        }
        return self._add_once("contact", contact, fields)

    def create_fund_account(self, body: Mapping[str, Any]) -> Doc:
        """The same details give the same fund account."""
        checks.only(body, ("contact_id", "account_type", "bank_account", "vpa"))
        contact = self._bank.get("contact", checks.text(body, "contact_id", required=True) or "")
        kind = body.get("account_type")
        wanted = {"bank_account": ("name", "ifsc", "account_number"), "vpa": ("address",)}.get(str(kind))
        given = body.get(str(kind))
        if wanted is None or not isinstance(given, dict):
            raise Refusal("The account_type is invalid.", field="account_type")
        checks.only(given, wanted)
        details = {name: checks.text(given, name, most=120, required=True) for name in wanted}
        account: Doc = {
            "entity": "fund_account",
            "contact_id": contact["id"],
            "account_type": kind,
            str(kind): details,
            "batch_id": None,
            "active": True,
        }
        return self._add_once("fund_account", account, {"contact_id": contact["id"], str(kind): details})

    def create_payout(self, body: Mapping[str, Any], key: str | None) -> Doc:
        """The key is mandatory; once for each, however often it is asked."""
        if not key:
            raise Refusal(
                "Idempotency key is missing. Include idempotency header and key in the request.",
                field="X-Payout-Idempotency",
            )
        if not 4 <= len(key) <= 36:
            raise Refusal("The idempotency key must be between 4 and 36 characters.", field="X-Payout-Idempotency")
        return self._bank.once("payout", key, body, lambda: self._create(body))

    def payout(self, payout_id: str) -> Doc:
        return public(self._bank.get("payout", payout_id))

    def payouts(self, query: Mapping[str, str]) -> Doc:
        if "reference_id" in query:
            return collection(self._store.by_reference("payout", query["reference_id"]))
        return collection(self._store.page("payout", *checks.page(query)))

    def settle(self, payout_id: str) -> None:
        """A payout under way comes to its end."""
        with self._store.transaction():
            payout = self._bank.get("payout", payout_id)
            if payout["status"] not in ("processing", "queued"):
                return
            payout["status"] = payout["_will_be"]
            if payout["status"] == "processed":
                payout["utr"] = payout["id"].removeprefix("pout_").upper()
            else:
                details = {
                    "description": "The beneficiary bank did not accept the transfer.",
                    "source": "beneficiary_bank",
                    "reason": "beneficiary_bank_failure",
                }
                payout |= {"status_details": details, "failure_reason": details["description"]}
            self._store.save(payout)
            self._bank.emit(f"payout.{payout['status']}", payout=payout)

    def _create(self, body: Mapping[str, Any]) -> Doc:
        fields = "account_number fund_account_id amount currency mode purpose queue_if_low_balance reference_id"
        checks.only(body, [*fields.split(), "narration", "notes"])
        checks.text(body, "account_number", required=True)
        account = self._bank.get("fund_account", checks.text(body, "fund_account_id", required=True) or "")
        if body.get("mode") not in MODES:
            raise Refusal("The mode is invalid.", field="mode")
        manner = self._bank.manners.payouts
        payout: Doc = {
            "id": self._bank.new_id("payout"),
            "entity": "payout",
            "fund_account_id": account["id"],
            "amount": checks.amount(body),
            "currency": checks.currency(body),
            "notes": checks.notes(body),
            "fees": 0,
            "tax": 0,
            "status": "queued" if manner == "queued" else "processing",
            "utr": None,
            "mode": body["mode"],
            "purpose": checks.text(body, "purpose", most=30, required=True),
            "reference_id": checks.text(body, "reference_id", most=40),
            "narration": checks.text(body, "narration", most=30),
            "batch_id": None,
            "failure_reason": None,
            "status_details": None,
            "created_at": self._bank.now(),
            "_will_be": "processed" if manner == "queued" else manner,
        }
        self._store.add("payout", payout, parent=account["id"], reference=payout["reference_id"])
        self._bank.emit("payout.queued" if manner == "queued" else "payout.initiated", payout=payout)
        self._bank.later("payout", payout["id"], -1.0 if manner == "queued" else self._bank.manners.settle_s)
        return payout

    def _add_once(self, kind: str, doc: Doc, details: Mapping[str, Any]) -> Doc:
        reference = json.dumps(details, sort_keys=True)
        with self._store.transaction():
            for known in self._store.by_reference(kind, reference):
                return public(known)
            doc = {"id": self._bank.new_id(kind), **doc, "created_at": self._bank.now()}
            self._store.add(kind, doc, reference=reference)
        return public(doc)
