"""What signing in with a phone, or again with a refresh token, takes and gives: the same for every such audience."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, StringConstraints

from api.signature import Header
from api.wire.models import Body, View
from api.wire.results import MessageWith
from dispatch.access import otp, phones
from dispatch.services import Services


def _dialled(value: str) -> str:
    if sum(char.isdecimal() for char in value) < LEAST_DIGITS:
        raise ValueError("write a phone number such as +91 12345 67890")
    return value


#: Shorter is no phone number anywhere.
LEAST_DIGITS = 5
#: What could be dialled, so that it is named with all else that is wrong; whether it is one, its country decides.
PhoneNumber = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=32), AfterValidator(_dialled)
]


def _without_marks(value: Any) -> Any:
    """What copying from a message brings along, such as a space of no width."""
    if not isinstance(value, str) or value.isascii():
        return value
    return "".join(char for char in value if unicodedata.category(char) not in ("Cf", "Zs"))


Code = Annotated[str, BeforeValidator(_without_marks), StringConstraints(strip_whitespace=True, pattern=r"^[0-9]{6}$")]
#: What the customer shows at the door. It is compared as a whole, and whatever it is not counts as a wrong one.
StartCode = Annotated[str, BeforeValidator(_without_marks), StringConstraints(strip_whitespace=True, max_length=16)]
RefreshToken = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4096)]
StepUp = Annotated[str | None, Header("X-Step-Up-Token")]


class RefreshIn(Body):
    """Without a token there is no sign-in, which is said as of one that is over: clients know a dead session by 401."""

    refresh_token: RefreshToken = ""


class CodeSent(View):
    """The code is good for `expires_in` seconds."""

    expires_in: int


async def send_code(services: Services, phone_number: str, purpose: str, ip: str | None) -> MessageWith[CodeSent]:
    """Sends a code by SMS; the answer is the same whether the phone is known or not."""
    phone = phones.normalise(phone_number, services.settings.phone_region)
    async with services.transaction() as tx:
        life_s = await otp.send(tx, phone, purpose, ip)
    return MessageWith("OTP sent successfully", extra=CodeSent(expires_in=life_s))


class PairOut(View):
    access_token: str
    refresh_token: str
    expires_in: int


class StepUpOut(View):
    """Send the token as X-Step-Up-Token within `expires_in` seconds."""

    step_up_token: str
    expires_in: int
