"""SMS through Twilio or MSG91, by their plain HTTP interfaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import aiohttp

from dispatch.ports.messages import SendFailed

if TYPE_CHECKING:
    from dispatch.ports.messages import Message

TIMEOUT = aiohttp.ClientTimeout(total=10, connect=3)
TWILIO_URL = "https://api.twilio.com"
MSG91_URL = "https://control.msg91.com"


class Twilio:
    """Programmable Messaging. https://www.twilio.com/docs/messaging/api/message-resource"""

    def __init__(self, account_sid: str, auth_token: str, sender: str, base_url: str = TWILIO_URL) -> None:
        """`sender` is a number in E.164 or the id of a messaging service (MG...)."""
        self._url = f"{base_url}/2010-04-01/Accounts/{account_sid}/Messages.json"
        self._headers = {"Authorization": aiohttp.encode_basic_auth(account_sid, auth_token)}
        self._from = {"MessagingServiceSid" if sender.startswith("MG") else "From": sender}
        self._http = Http()

    async def send(self, message: Message) -> None:
        form = {"To": message.recipient, "Body": message.text, **self._from}
        await self._http.post(self._url, data=form, headers=self._headers)

    async def close(self) -> None:
        await self._http.close()


class Msg91:
    """The Flow interface: texts live at the provider, under its template ids. https://docs.msg91.com/sms"""

    def __init__(self, auth_key: str, template_ids: Mapping[str, str], base_url: str = MSG91_URL) -> None:
        """`template_ids` maps a name in `TEMPLATES` to the provider's id; a text without one is not sent."""
        self._url = f"{base_url}/api/v5/flow"
        self._headers = {"authkey": auth_key, "accept": "application/json"}
        self._template_ids = dict(template_ids)
        self._http = Http()

    async def send(self, message: Message) -> None:
        template_id = self._template_ids.get(message.template)
        if template_id is None:
            raise SendFailed(f"no MSG91 template id for {message.template!r} in the settings", is_permanent=True)
        values = {key: str(value) for key, value in message.params.items()}
        person = {"mobiles": message.recipient.removeprefix("+"), **values}
        answer = await self._http.post(
            self._url, json={"template_id": template_id, "recipients": [person]}, headers=self._headers
        )
        # It answers 200 to refusals too.
        if isinstance(answer, dict) and answer.get("type") == "error":
            raise SendFailed(f"MSG91 refuses: {answer.get('message')}", is_permanent=True)

    async def close(self) -> None:
        await self._http.close()


class Http:
    """One client session, opened on first use, with bounded time; its outcomes are JSON or SendFailed."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, **kwargs: Any) -> Any:
        """The answer's JSON, or None if it is none. Raises SendFailed, permanent if we are to blame."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        try:
            async with self._session.post(url, allow_redirects=False, **kwargs) as response:
                status = response.status
                retry_after = response.headers.get("Retry-After", "")
                try:
                    answer = await response.json(content_type=None)
                except ValueError:
                    answer = None
        except (aiohttp.ClientError, TimeoutError) as error:
            # Only the type: the text of a client error may repeat the address with its credentials.
            raise SendFailed(f"the provider could not be reached ({type(error).__name__})") from None
        if status < 300:
            return answer
        raise SendFailed(
            f"the provider answered {status}",
            is_permanent=400 <= status < 500 and status not in (401, 403, 408, 409, 425, 429),
            retry_after_s=float(retry_after) if retry_after.isdecimal() else None,
            answer=answer,
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
