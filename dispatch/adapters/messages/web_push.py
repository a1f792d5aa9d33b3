"""Push to pages through the push services of the browsers (RFC 8030), sealed for the one browser and signed by us."""

from __future__ import annotations

import time

import orjson

from dispatch.ports.messages import Message, RecipientGone, Sender, SendFailed
from dispatch.ports.web_push import MOST_TEXT_BYTES, Signer, Subscription, sealed
from dispatch.ports.webhooks import NoAnswer, Poster

#: A push service keeps what has no end of its own for a browser that is away so long, in seconds.
TTL_S = 86_400
#: Longer words than this, of title or text, no phone shows; in characters.
MOST_CHARS = 500
#: Refusals that may pass: a clock that was wrong, a key that is set right, too many at once.
_PASSING = (401, 403, 408, 409, 425, 429)


class Pushes:
    """What goes to apps by one sender, what goes to pages by another."""

    def __init__(self, apps: Sender, pages: Sender) -> None:
        self._apps, self._pages = apps, pages

    async def send(self, message: Message) -> None:
        await (self._pages if "page" in message.params else self._apps).send(message)

    async def close(self) -> None:
        await self._apps.close()
        await self._pages.close()


class WebPush:
    """Sends to the page whose address and keys are in the message (`token` and `page`)."""

    def __init__(self, signer: Signer, poster: Poster) -> None:
        self._signer, self._poster = signer, poster

    async def send(self, message: Message) -> None:
        params = message.params
        to = Subscription(params["token"], params["page"]["p256dh"], params["page"]["auth"])
        now_s = time.time()
        ttl_s, is_urgent = TTL_S, "life_s" in params
        if is_urgent:
            ttl_s = int(params["life_s"] - (now_s - message.created_at.timestamp()))
            if ttl_s <= 0:
                raise SendFailed("too late: what it tells of is over", is_permanent=True)
        headers = {
            "Authorization": self._signer.authorization(to.endpoint, now_s), "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream", "TTL": str(ttl_s), "Urgency": "high" if is_urgent else "normal",
            "User-Agent": "dispatch-push/1",
        }  # fmt: skip
        try:
            answer = await self._poster.post(to.endpoint, sealed(_text_of(message), to), headers)
        except NoAnswer as failure:
            raise SendFailed(f"the push service could not be reached: {failure}") from None
        if answer.is_success:
            return
        if answer.status in (404, 410):
            raise RecipientGone("the page no longer takes pushes")
        raise SendFailed(
            f"the push service answered {answer.status}",
            is_permanent=answer.status < 500 and answer.status not in _PASSING, retry_after_s=answer.retry_after_s,
        )  # fmt: skip

    async def close(self) -> None:
        await self._poster.close()


def _text_of(message: Message) -> bytes:
    """What the page's worker shows, and by what it knows a message that comes twice."""
    params = message.params
    told = {
        "title": str(params.get("title", ""))[:MOST_CHARS], "message": str(params.get("message", ""))[:MOST_CHARS],
        "type": params.get("type", ""), "booking_id": params.get("booking_id"), "message_id": message.id,
    }  # fmt: skip
    text = orjson.dumps(told)
    # Only characters of four bytes each, or ones that JSON escapes, make it more than a record.
    return text if len(text) <= MOST_TEXT_BYTES else orjson.dumps({**told, "message": ""})
