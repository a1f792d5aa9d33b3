"""One-time codes: sent by SMS within budgets, kept as a peppered hash, five guesses, used once. Real time.

The network that asked for a code has five guesses and all others together have five: a stranger's do not end it.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from enum import StrEnum

from dispatch.access import phones
from dispatch.access.networks import network_of, networks_of
from dispatch.engine import alerts
from dispatch.errors import Invalid, NotSignedIn, Throttled
from dispatch.outbox import messages
from dispatch.services import Tx
from dispatch.vault import vault_of
from storage import otp as rows
from storage import quotas

CODE_DIGITS = 6
HOUR_S = 3600
#: Alerts about the budget of a day, which are over with the next, and the count that they are about.
RUNNING_OUT, USED_UP = "otp_budget_low", "otp_budget_used_up"
BUDGET = "otp"
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


class TooManyWrong(Throttled):
    """Too many wrong codes came from your network; try again later."""

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


async def send(tx: Tx, phone: str, purpose: str, ip: str | None, *, leaves: bool = True) -> int:
    """Puts a new code in place of the old one of (phone, purpose), and its message into the outbox.

    Returns its life in seconds. `phone` is E.164, or the e-mail address for a new password. It never looks whether
    anybody has it: answer and work are the same for all. Raises TooManyCodes: three an hour for one, and the
    budgets of an address and of the whole installation; Invalid for a phone of a region that gets none. With `leaves`
    false nobody is written to, and nobody knows the code.
    """
    purpose = PURPOSES[purpose]
    channel, template = _TEMPLATES[purpose]
    settings = tx.services.settings.otp
    life_s = settings.life_s
    if channel == "sms" and settings.regions:
        phones.check_region(phone, settings.regions)
    await _spend(tx, phone, ip)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    salt = secrets.token_bytes(_SALT_BYTES)
    await rows.put(
        tx.conn, phone=phone, purpose=purpose, code_hash=_hash(tx, phone, purpose, code, salt), salt=salt,
        ttl_s=life_s, ip=ip, network=_network(ip),
    )  # fmt: skip
    if leaves:
        await messages.enqueue(
            tx, channel, phone, template, {"code": code, "minutes": max(life_s // 60, 1)},
            stream=f"otp:{purpose}:{phone}", is_secret=True, supersedes=True,
        )  # fmt: skip
    return life_s


async def guess(tx: Tx, phone: str, purpose: str, code: str, ip: str | None, *, consumes: bool = True) -> Verdict:
    """Counts the guess, compares, and uses the code up if it is right (unless `consumes` is false).

    Counting and using are one transaction with what the caller does next; the caller must commit whatever the
    verdict is and raise afterwards. Parallel guesses wait for each other on the row, so that one too many
    never compares. Raises TooManyWrong before anything of the code is counted.
    """
    purpose = PURPOSES[purpose]
    counters = await _count_here(tx, ip)
    verdict = await _compare(tx, phone, purpose, code, _network(ip), consumes)
    if verdict is Verdict.RIGHT:
        await quotas.give_back(tx.conn, keys=counters)
    return verdict


async def _count_here(tx: Tx, ip: str | None) -> list[str]:
    """Counts a guess of its networks as a wrong one, and returns their counters. Raises TooManyWrong."""
    limit = tx.services.settings.otp.guesses_per_ip_per_hour
    counters = []
    for key, times in _counters_of(tx, "guess", ip):
        counters.append(key)
        if wait_s := await quotas.take(tx.conn, key, limit * times, HOUR_S):
            raise TooManyWrong(retry_after_s=wait_s)
    return counters


async def _compare(tx: Tx, phone: str, purpose: str, code: str, network: str | None, consumes: bool) -> Verdict:
    tries = tx.services.settings.otp.tries
    challenge = await rows.count_guess(tx.conn, phone=phone, purpose=purpose, tries=tries, network=network)
    salt = challenge.salt if challenge else bytes(_SALT_BYTES)
    expected = challenge.code_hash if challenge else bytes(32)
    is_right = hmac.compare_digest(_hash(tx, phone, purpose, code, salt), expected)
    if challenge is None:
        is_dead = await rows.is_dead(tx.conn, phone=phone, purpose=purpose, tries=tries, network=network)
        return Verdict.DEAD if is_dead else Verdict.WRONG
    if not is_right:
        return Verdict.WRONG
    if consumes and await rows.use(tx.conn, id=challenge.id) != 1:
        return Verdict.WRONG
    return Verdict.RIGHT


def _network(ip: str | None) -> str | None:
    return network_of(ip) if ip else None


def _counters_of(tx: Tx, kind: str, ip: str | None) -> list[tuple[str, int]]:
    """The counters of a caller's networks, which are not named in them, and how many times the limit each has."""
    vault, networks = vault_of(tx.services.settings), networks_of(ip) if ip else ()
    return [(f"otp:{kind}:{vault.fingerprint('network', name)}", times) for name, times in networks]


def _hash(tx: Tx, phone: str, purpose: str, code: str, salt: bytes) -> bytes:
    vault = vault_of(tx.services.settings)
    return vault.mac("otp", salt, phone.encode(), purpose.encode(), code.encode())


async def _spend(tx: Tx, phone: str, ip: str | None) -> None:
    """Takes from the budgets, always in this order (no deadlock), the one that everybody shares last."""
    settings = tx.services.settings
    counter = vault_of(settings).fingerprint("phone", phone)
    per_ip = settings.otp.sends_per_ip_per_hour
    budgets = [(key, per_ip * times, HOUR_S) for key, times in _counters_of(tx, "ip", ip)]
    budgets.append((f"otp:phone:{counter}", settings.limits.otp_per_hour, HOUR_S))
    budgets.append(("otp:all", settings.otp.sends_per_minute, 60))
    for key, limit, window_s in budgets:
        wait_s = await quotas.take(tx.conn, key, limit, window_s)
        if wait_s:
            raise TooManyCodes(retry_after_s=wait_s)
    await _spend_of_day(tx)


async def _spend_of_day(tx: Tx) -> None:
    """Takes from the day's budget of the whole installation; staff hear when it runs out, the next day settles it."""
    settings = tx.services.settings
    limit = settings.otp.sends_per_day
    used = await quotas.take_of_day(tx.conn, key=BUDGET, limit=limit, timezone=settings.timezone)
    if used is None:
        wait_s = await quotas.left_of_day_s(tx.conn, timezone=settings.timezone)
        raise TooManyCodes("No more codes are sent today; try again tomorrow.", retry_after_s=wait_s)
    if used == 1:
        await alerts.resolve(tx, (RUNNING_OUT, USED_UP), subject=BUDGET)
    if used == limit:
        text = f"All {limit} one-time codes of the day are sent: until midnight nobody gets one."
        await alerts.raise_alert(tx, USED_UP, text, subject=BUDGET)
    elif used == limit * 8 // 10:
        text = f"{used} of the day's {limit} one-time codes are sent."
        await alerts.raise_alert(tx, RUNNING_OUT, text, subject=BUDGET)
