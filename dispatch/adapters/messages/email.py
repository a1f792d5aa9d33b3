"""E-mail by SMTP, to whatever relay the settings name (a provider's, or one's own)."""

from __future__ import annotations

from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING, Literal

import aiosmtplib

from dispatch.ports.messages import SendFailed

if TYPE_CHECKING:
    from dispatch.ports.messages import Message

#: For one letter, in real seconds.
TIMEOUT_S = 12.0
#: What the library raises for an address that is none.
_UNREADABLE = (ValueError, IndexError, MessageError)


class Smtp:
    """One connection for each letter. A letter that is sent twice has the same Message-ID."""

    def __init__(
        self, host: str, port: int, sender: str, *, user: str = "", password: str = "",
        tls: Literal["starttls", "tls", "none"] = "starttls",
    ) -> None:  # fmt: skip
        """`sender` is an address, with or without a name: `Dispatch <post@example.com>`. Raises ValueError for none."""
        name, address = parseaddr(sender)
        try:
            self._sender = Address(display_name=name, addr_spec=address)
        except _UNREADABLE as error:
            raise ValueError(f"{sender!r} is no e-mail address") from error
        if not self._sender.domain:
            raise ValueError(f"{sender!r} is no e-mail address")
        self._host, self._port, self._tls = host, port, tls
        self._user, self._password = user or None, password or None

    async def send(self, message: Message) -> None:
        letter = self._letter(message)
        try:
            await aiosmtplib.send(
                letter, hostname=self._host, port=self._port, username=self._user, password=self._password,
                use_tls=self._tls == "tls", start_tls=self._tls == "starttls", timeout=TIMEOUT_S,
                local_hostname=self._sender.domain,
            )  # fmt: skip
        except aiosmtplib.SMTPAuthenticationError:
            # Ours to mend: what waits is sent when it is.
            raise SendFailed("the mail relay does not take our user and password") from None
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            raise SendFailed(f"the address is refused ({codes})", is_permanent=min(codes, default=0) >= 500) from None
        except aiosmtplib.SMTPResponseException as error:
            # Only a refusal of the letter itself is for good; of us, or before there was one, it is the relay's state.
            is_permanent = isinstance(error, aiosmtplib.SMTPDataError) and error.code >= 500
            raise SendFailed(f"the mail relay answered {error.code}", is_permanent=is_permanent) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise SendFailed(f"the mail relay could not be reached ({type(error).__name__})") from None

    async def close(self) -> None:
        return None

    def _letter(self, message: Message) -> EmailMessage:
        letter = EmailMessage()
        try:
            letter["From"] = self._sender
            letter["To"] = Address(addr_spec=message.recipient)
            letter["Subject"] = " ".join(message.subject.split())
        except _UNREADABLE as error:
            raise SendFailed("the recipient is no e-mail address", is_permanent=True) from error
        letter["Date"] = format_datetime(message.created_at)
        letter["Message-ID"] = f"<dispatch-{message.id}@{self._sender.domain}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(message.text)
        return letter
