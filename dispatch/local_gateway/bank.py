"""What all desks of the gateway share: clock, ids, entities, manners, and the events they emit."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dispatch.local_gateway.faults import WebhookFaults
from dispatch.local_gateway.refusals import Refusal
from dispatch.local_gateway.store import Doc, Store

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PREFIXES = {
    "order": "order",
    "payment": "pay",
    "refund": "rfnd",
    "payment_link": "plink",
    "payout": "pout",
    "contact": "cont",
    "fund_account": "fa",
    "event": "evt",
}


@dataclass(slots=True)
class Manners:
    """How the gateway behaves; changed by /_control."""

    refunds: str = "processed"  # processed (at once), pending (processed later), failed (pending, then failed)
    payouts: str = "processed"  # processed, reversed, failed (each after `settle_s`), queued (on demand only)
    settle_s: float = 0.0  # how long pending refunds and payouts take; below 0: on demand only
    late_s: float = -1.0  # how late a late authorisation comes; below 0: on demand only
    clock_offset_s: float = 0.0


class Bank:
    """The state and the tools of the gateway. Its seed and account survive a restart with the store."""

    def __init__(self, store: Store, *, seed: int | None, key_secret: str, public_url: str = "") -> None:
        self.store = store
        self.key_secret = key_secret
        self.public_url = public_url
        self.manners = Manners()
        with store.transaction():
            self.seed = store.meta("seed", str(seed) if seed is not None else secrets.token_hex(8))
            self.account_id = f"acc_{self._alphanumerics('account')}"
        self.faults = WebhookFaults(self.seed)
        self.wake: Callable[[], None] = lambda: None
        """Called when there is something to send or to do later."""
        self.webhook_url = ""

    def now(self) -> int:
        """Unix seconds, moved by the control's offset."""
        return int(time.time() + self.manners.clock_offset_s)

    def new_id(self, kind: str) -> str:
        """Unique over restarts, and the same in every run with the same seed."""
        return f"{_PREFIXES[kind]}_{self._alphanumerics(str(self.store.next_number()))}"

    def get(self, kind: str, entity_id: str) -> Doc:
        doc = self.store.find(kind, entity_id)
        if doc is None:
            raise Refusal("The id provided does not exist", reason="input_validation_failed")
        return doc

    def sign(self, message: str) -> str:
        """The signature that checkout hands to the browser."""
        return hmac.new(self.key_secret.encode(), message.encode(), hashlib.sha256).hexdigest()

    def emit(self, event: str, **entities: Doc) -> None:
        """Queues a webhook as a snapshot of the entities, in the transaction of what it tells about."""
        self.emit_payload(event, {name: {"entity": public(doc)} for name, doc in entities.items()})

    def emit_payload(self, event: str, payload: Mapping[str, Any]) -> None:
        body = {
            "entity": "event",
            "account_id": self.account_id,
            "event": event,
            "contains": list(payload),
            "payload": payload,
            "created_at": self.now(),
        }
        raw = json.dumps(body, separators=(",", ":")).encode()
        event_id, now = self.new_id("event"), time.time()
        for fate in self.faults.fates():
            state = "unsent" if not self.webhook_url else fate.state
            self.store.add_event(event_id, event, raw, fate.signed_with, state, now, now + fate.delay_s)
        self.wake()

    def later(self, kind: str, target: str, delay_s: float) -> None:
        """Below 0: only on demand."""
        self.store.add_job(kind, target, time.time() + delay_s if delay_s >= 0 else None)
        self.wake()

    def once(self, scope: str, key: str, body: Mapping[str, Any], effect: Callable[[], Doc]) -> Doc:
        """The effect's reply, kept for the key: the same body gets it again, another body is refused."""
        body_hash = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        kept = self.store.reply(scope, key)
        if kept is not None:
            if not hmac.compare_digest(kept[0], body_hash):
                raise Refusal(
                    "Different request with the same idempotency key has already been processed.", reason="NA"
                )
            return kept[1]
        with self.store.transaction():
            doc = public(effect())
            self.store.keep_reply(scope, key, body_hash, doc)
        return doc

    def _alphanumerics(self, what: str) -> str:
        digest = hmac.new(self.seed.encode(), what.encode(), hashlib.sha256).digest()
        number, letters = int.from_bytes(digest, "big"), []
        for _ in range(14):
            number, rest = divmod(number, 62)
            letters.append(_ALPHABET[rest])
        return "".join(letters)


def public(doc: Mapping[str, Any]) -> Doc:
    """What leaves the gateway of an entity."""
    return {name: value for name, value in doc.items() if not name.startswith("_")}


def collection(docs: list[Doc]) -> Doc:
    return {"entity": "collection", "count": len(docs), "items": [public(doc) for doc in docs]}
