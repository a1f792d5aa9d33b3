"""/_control: how a test or a demo tells the gateway to misbehave, and looks at what it did."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import web

from dispatch.local_gateway.bank import Bank
from dispatch.local_gateway.checkout import json_body
from dispatch.local_gateway.faults import ApiFaults
from dispatch.local_gateway.refusals import Refusal
from dispatch.local_gateway.webhooks import Sender

_REFUNDS = ("processed", "pending", "failed")
_PAYOUTS = ("processed", "reversed", "failed", "queued")
_ORDERS = ("in_order", "reversed", "shuffled")


class DoDue(Protocol):
    """Does the late work whose time has come, or all of it, or one target's; returns how many there were."""

    def __call__(self, *, everything: bool = False, target: str | None = None) -> int: ...


class Control:
    """POST /_control takes any of the words of `_words`; GET tells the state and the events."""

    def __init__(self, bank: Bank, faults: ApiFaults, sender: Sender, calls: Counter[str], do_due: DoDue) -> None:
        self._bank, self._faults, self._sender, self._calls, self._do_due = bank, faults, sender, calls, do_due

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/_control", self.command),
            web.get("/_control/state", self.state),
            web.get("/_control/events", self.events),
        ]

    async def command(self, request: web.Request) -> web.Response:
        words, body = self._words(), await json_body(request)
        unknown = set(body) - set(words)
        if unknown:
            raise Refusal(f"unknown: {sorted(unknown)}; known: {sorted(words)}")
        # In the order of the table, not of the request: faults are set before what they shall strike.
        return web.json_response({name: act(body[name]) for name, act in words.items() if name in body})

    async def state(self, request: web.Request) -> web.Response:
        """What happened, per payment and in all."""
        store = self._bank.store
        refunds: dict[str, list[dict[str, Any]]] = {}
        for refund in store.all("refund"):
            kept = {"id": refund["id"], "amount": refund["amount"], "status": refund["status"]}
            refunds.setdefault(refund["payment_id"], []).append(kept)
        payments = {
            p["id"]: {
                "order_id": p["order_id"],
                "status": p["status"],
                "amount": p["amount"],
                "amount_refunded": p["amount_refunded"],
                "captures": p["_captures"],
                "refunds": refunds.get(p["id"], []),
            }
            for p in store.all("payment")
        }
        return web.json_response(
            {
                "orders": {o["id"]: {"receipt": o["receipt"], "status": o["status"]} for o in store.all("order")},
                "payments": payments,
                "payouts": {p["id"]: {"amount": p["amount"], "status": p["status"]} for p in store.all("payout")},
                "captured": sum(p["amount"] for p in payments.values() if p["captures"]),
                "refunded": sum(p["amount_refunded"] for p in payments.values()),
                "events": store.event_counts(),
                "calls": dict(self._calls),
                "faults": dict(self._faults.struck),
                "jobs": len(store.all_jobs()),
                "quiet": self._sender.quiet(),
            }
        )

    async def events(self, request: web.Request) -> web.Response:
        """Every copy of every webhook, with its body."""
        return web.json_response(
            [
                {
                    "event_id": e.event_id,
                    "event": e.event,
                    "state": e.state,
                    "signed_with": e.signed_with,
                    "attempts": e.attempts,
                    "status": e.status,
                    "body": json.loads(e.body),
                }
                for e in sorted(self._bank.store.events(), key=lambda event: event.seq)
            ]
        )

    def _words(self) -> dict[str, Callable[[Any], Any]]:
        manners = self._bank.manners
        return {
            "api": self._faults.set,
            "webhooks": self._bank.faults.set,
            "webhook_url": self._webhook_url,
            "rotate_secret": lambda value: self._sender.rotate(_text(value)),
            "retry_s": lambda value: setattr(self._sender, "retry_s", _seconds(value, least=0.001)),
            "refunds": lambda value: setattr(manners, "refunds", _one_of(value, _REFUNDS)),
            "payouts": lambda value: setattr(manners, "payouts", _one_of(value, _PAYOUTS)),
            "settle_s": lambda value: setattr(manners, "settle_s", _seconds(value)),
            "late_s": lambda value: setattr(manners, "late_s", _seconds(value)),
            "clock_offset_s": lambda value: setattr(manners, "clock_offset_s", _seconds(value, least=-1e10)),
            "emit": self._emit,
            "settle": self._settle,
            "release": lambda value: self._sender.release(_one_of(value, _ORDERS)),
        }

    def _webhook_url(self, value: Any) -> None:
        self._bank.webhook_url = _text(value)

    def _emit(self, value: Any) -> None:
        """{"event", "payload"}: any event at all, signed."""
        if not isinstance(value, dict) or not isinstance(value.get("payload"), dict):
            raise Refusal("emit takes an event and a payload")
        store = self._bank.store
        with store.transaction():
            self._bank.emit_payload(_text(value.get("event")), value["payload"])

    def _settle(self, value: Any) -> int:
        """True: everything that waits; an id: what waits for this payment, refund or payout."""
        if value is True:
            return self._do_due(everything=True)
        return self._do_due(target=_text(value))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Refusal("a text is needed")
    return value


def _seconds(value: Any, *, least: float = -1.0) -> float:
    if type(value) not in (int, float) or not least <= value <= 1e10:
        raise Refusal("a number of seconds is needed")
    return float(value)


def _one_of(value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise Refusal(f"one of {known}")
    return str(value)
