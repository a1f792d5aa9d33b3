"""One-time codes: sent by SMS within budgets, kept as a peppered hash, five guesses, used once. Real time."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from enum import StrEnum

from dispatch.access.networks import networks_of
from dispatch.errors import Invalid, NotSignedIn, Throttled
from dispatch.outbox import messages
from dispatch.services import Tx
from dispatch.vault import vault_of
from storage import otp as rows
from storage import quotas

CODE_DIGITS = 6
HOUR_S = 3600
_SALT_BYTES = 16

#: The contract's words for a purpose, and what they mean here: signing in, or confirming what is sensitive.
PURPOSES: Mapping[str, str] = {
    "login": "login", "reset_password": "step_up", "step_up": "step_up", "new_password": "reset_password",
}  # fmt: skip
#: What is sent for each, and how: whoever signs in with a password has an e-mail address, the others a phone.
_TEMPLATES = {
    "login": ("sms", "otp_login"), "step_up": ("sms", "otp_step_up"), "reset_password": ("email", "otp_password"),
}  # fmt: skip


class InvalidOtp(NotSignedIn):
    """The code is wrong or no longer valid."""

    code = "invalid_otp"


class TooManyGuesses(Throttled):
    """Too many wrong codes; ask for a new one."""

    code = "rate_limit_exceeded"


class TooManyCodes(Throttled):
    """Too many codes were asked for; try again later."""

    code = "rate_limit_exceeded"


class Verdict(StrEnum):
    """What a guess came to. It is returned, not raised: raising would roll the count of the guess back."""

    RIGHT = "right"
    WRONG = "wrong"
    DEAD = "dead"

    def check(self) -> None:
        """Raises InvalidOtp or TooManyGuesses, for those who are not signed in. Call it after the commit."""
        if self is Verdict.WRONG:
            raise InvalidOtp
        if self is Verdict.DEAD:
            raise TooManyGuesses(retry_after_s=60)

    def check_field(self) -> None:
        """The same for those who are signed in: a wrong code is a bad field, not a lost session."""
        if self is Verdict.WRONG:
            raise Invalid({"otp_code": InvalidOtp.__doc__ or ""})
        self.check()


async def send(tx: Tx, phone: str, purpose: str, ip: str | None) -> int:
    """Puts a new code in place of the old one of (phone, purpose), and its message into the outbox.

    Returns its life in seconds. `phone` is E.164, or the e-mail address for a new password. It never looks whether
    anybody has it: answer and work are the same for all. Raises TooManyCodes: three an hour for one, and the
    budgets of an address and of the whole installation.
    """
    purpose = PURPOSES[purpose]
    life_s = tx.services.settings.otp.life_s
    await spend(tx, phone, ip)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    salt = secrets.token_bytes(_SALT_BYTES)
    await rows.put(
        tx.conn, phone=phone, purpose=purpose, code_hash=_hash(tx, phone, purpose, code, salt), salt=salt,
        ttl_s=life_s, ip=ip,
    )  # fmt: skip
    channel, template = _TEMPLATES[purpose]
    await messages.enqueue(
        tx, channel, phone, template, {"code": code, "minutes": max(life_s // 60, 1)},
        stream=f"otp:{purpose}:{phone}", is_secret=True, supersedes=True,
    )  # fmt: skip
    return life_s


async def guess(tx: Tx, phone: str, purpose: str, code: str, *, consumes: bool = True) -> Verdict:
    """Counts the guess, compares, and uses the code up if it is right (unless `consumes` is false).

    Counting and using are one transaction with what the caller does next; the caller must commit whatever the
    verdict is and raise afterwards. Parallel guesses wait for each other on the row, so that one too many
    never compares.
    """
    purpose = PURPOSES[purpose]
    tries = tx.services.settings.otp.tries
    challenge = await rows.count_guess(tx.conn, phone=phone, purpose=purpose, tries=tries)
    salt = challenge.salt if challenge else bytes(_SALT_BYTES)
    expected = challenge.code_hash if challenge else bytes(32)
    is_right = hmac.compare_digest(_hash(tx, phone, purpose, code, salt), expected)
    if challenge is None:
        is_dead = await rows.is_dead(tx.conn, phone=phone, purpose=purpose, tries=tries)
        return Verdict.DEAD if is_dead else Verdict.WRONG
    if not is_right:
        return Verdict.WRONG
    if consumes and await rows.use(tx.conn, id=challenge.id) != 1:
        return Verdict.WRONG
    return Verdict.RIGHT


def _hash(tx: Tx, phone: str, purpose: str, code: str, salt: bytes) -> bytes:
    vault = vault_of(tx.services.settings)
    return vault.mac("otp", salt, phone.encode(), purpose.encode(), code.encode())


async def spend(tx: Tx, phone: str, ip: str | None) -> None:
    """Takes from the budgets, always in this order (no deadlock), the one that everybody shares last."""
    settings = tx.services.settings
    counter = vault_of(settings).fingerprint("phone", phone)
    per_ip = settings.otp.sends_per_ip_per_hour
    budgets = [(f"otp:ip:{name}", per_ip * times, HOUR_S) for name, times in (networks_of(ip) if ip else ())]
    budgets.append((f"otp:phone:{counter}", settings.limits.otp_per_hour, HOUR_S))
    budgets.append(("otp:all", settings.otp.sends_per_minute, 60))
    for key, limit, window_s in budgets:
        wait_s = await quotas.take(tx.conn, key, limit, window_s)
        if wait_s:
            raise TooManyCodes(retry_after_s=wait_s)
