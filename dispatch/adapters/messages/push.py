"""Push through Firebase Cloud Messaging (HTTP v1), authorised by a signed assertion of a service account."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

from dispatch.adapters.messages.sms import Http
from dispatch.ports.messages import RecipientGone, SendFailed

if TYPE_CHECKING:
    from dispatch.ports.messages import Message

FCM_URL = "https://fcm.googleapis.com"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 (an address)
_SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
_ASSERTION_LIFE_S = 3600
#: A token is fetched anew this long before it ends.
_MARGIN_S = 60.0


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """The three fields of Google's key file that matter."""

    project_id: str
    client_email: str
    private_key: str


class Fcm:
    """Sends to an app by its token, else to the topic that the person's apps subscribe to (their `push_topic`)."""

    def __init__(self, account: ServiceAccount, base_url: str = FCM_URL, token_url: str = TOKEN_URL) -> None:
        self._account = account
        self._url = f"{base_url}/v1/projects/{account.project_id}/messages:send"
        self._token_url = token_url
        self._http = Http()
        self._token = ""
        self._token_ends = 0.0
        self._fetching = asyncio.Lock()

    async def send(self, message: Message) -> None:
        named = [(kind, message.params[kind]) for kind in ("token", "topic") if message.params.get(kind)]
        if not named:
            raise SendFailed("a push message needs the token or the topic of its recipient", is_permanent=True)
        kind, target = named[0]
        notification = {"title": message.params.get("title", ""), "body": message.params.get("message", "")}
        data = {
            key: str(value)
            for key, value in message.params.items()
            if key not in ("topic", "token", "title", "message", "life_s")
        }
        # One that comes twice is known by its id.
        data["message_id"] = str(message.id)
        body = {"message": {kind: target, "notification": notification, "data": data}}
        headers = {"Authorization": f"Bearer {await self._access_token()}"}
        try:
            await self._http.post(self._url, json=body, headers=headers)
        except SendFailed as failure:
            if kind == "token" and _is_gone(failure.answer):
                raise RecipientGone("the app is no longer registered") from None
            # Our own token may be what failed; a new one costs little.
            self._token_ends = 0.0
            raise

    async def close(self) -> None:
        await self._http.close()

    async def _access_token(self) -> str:
        """One exchange at a time, the answer kept until shortly before it ends. Real time."""
        async with self._fetching:
            if time.time() < self._token_ends - _MARGIN_S:
                return self._token
            now = int(time.time())
            claims = {
                "iss": self._account.client_email, "scope": _SCOPE, "aud": self._token_url,
                "iat": now, "exp": now + _ASSERTION_LIFE_S,
            }  # fmt: skip
            assertion = jwt.encode(claims, self._account.private_key, algorithm="RS256")
            answer = await self._http.post(
                self._token_url,
                data={"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion},
            )
            if not isinstance(answer, dict) or "access_token" not in answer:
                raise SendFailed("the token endpoint gave no token")
            self._token = str(answer["access_token"])
            self._token_ends = now + float(answer.get("expires_in", 0))
            return self._token


def _is_gone(answer: Any) -> bool:
    """Whether Firebase says that it does not know this token (any more).

    A token of another sender may be right, and the project in our settings wrong: it stays.
    https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode
    """
    error = answer.get("error") if isinstance(answer, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    said = [one for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    if {one.get("errorCode") for one in said} & {"UNREGISTERED"}:
        return True
    # What is wrong with a request is our fault, unless it is the token that is wrong.
    fields = [f for one in said if isinstance(one.get("fieldViolations"), list) for f in one["fieldViolations"]]
    return any(isinstance(field, dict) and field.get("field") == "message.token" for field in fields)
