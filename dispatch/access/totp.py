"""The second factor of staff: six digits of an authenticator app (RFC 6238), or a recovery code; each is good once."""

from __future__ import annotations

import base64
import hmac
import secrets
import time
from urllib.parse import quote
from uuid import UUID

from dispatch.errors import Conflict, DispatchError, NotSignedIn, Throttled
from dispatch.outbox import messages
from dispatch.services import Services, Tx
from dispatch.vault import cell, vault_of
from storage import accounts as account_rows
from storage import quotas
from storage import totp as rows
from storage.database.pool import Conn

#: What every authenticator app takes without being told (RFC 6238, section 4; RFC 4226, section 5.3).
STEP_S, DIGITS = 30, 6
#: One step before and after ours is taken too: phones' clocks differ (RFC 6238, section 5.2).
SKEW_STEPS = 1
#: RFC 4226, section 4, recommends 160 bits.
SECRET_BYTES = 20
RECOVERY_CODES, RECOVERY_CHARS = 10, 10
#: Without the letters and digits that are taken for one another.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
#: The second step of a sign-in follows the first within so many seconds.
CHALLENGE_S = 300
CHALLENGE = "totp_challenge"
#: Wrong codes of one account within a quarter of an hour.
GUESSES, GUESS_WINDOW_S = 10, 900.0


class SecondStep(NotSignedIn):
    """Enter the code of your authenticator app."""

    code = "totp_required"


class WrongCode(NotSignedIn):
    """This code is not valid, or it was used already."""

    code = "invalid_totp"


class ChallengeOver(NotSignedIn):
    """The sign-in took too long: begin again with e-mail address and password."""

    code = "totp_challenge_over"


class TooManyCodes(Throttled):
    """Too many wrong codes; wait a while and try again."""

    code = "rate_limit_exceeded"


class AlreadyOn(Conflict):
    """The second factor is on already."""

    code = "totp_already_on"


class NotOn(Conflict):
    """The second factor is not on."""

    code = "totp_not_on"


def code_at(secret: bytes, step: int) -> str:
    """The code of a half minute: HOTP (RFC 4226, section 5.3) of the number of the step."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    place = digest[-1] & 0x0F
    number = int.from_bytes(digest[place : place + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_at(unix_s: float) -> int:
    return int(unix_s // STEP_S)


def matching_step(secret: bytes, code: str, unix_s: float) -> int | None:
    """The step near this moment whose code it is; as long for a wrong one, whichever step a right one is of."""
    now, found = step_at(unix_s), None
    for step in range(now - SKEW_STEPS, now + SKEW_STEPS + 1):
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()):
            found = step
    return found


async def is_on(conn: Conn, account_id: UUID) -> bool:
    found = await rows.find(conn, account_id=account_id)
    return found is not None and found.is_on


async def codes_left(conn: Conn, account_id: UUID) -> int:
    return await rows.codes_left(conn, account_id=account_id) or 0


async def enrol(tx: Tx, account_id: UUID, label: str) -> tuple[str, str]:
    """A new secret, in base32 and as the address that apps read from a picture. Raises AlreadyOn.

    It counts once a code of it was shown.
    """
    secret = secrets.token_bytes(SECRET_BYTES)
    text = base64.b32encode(secret).decode()
    sealed = vault_of(tx.services.settings).seal(text, _cell(account_id))
    if not await rows.begin(tx.conn, account_id=account_id, sealed=sealed):
        raise AlreadyOn
    brand = tx.services.settings.brand
    name = quote(f"{brand}:{label}")
    uri = f"otpauth://totp/{name}?secret={text}&issuer={quote(brand)}&digits={DIGITS}&period={STEP_S}"
    return text, uri


async def confirm(tx: Tx, account_id: UUID, code: str) -> list[str]:
    """Turns the factor on with a code of the new secret, and tells whose it is; returns the recovery codes.

    Nobody can read those again. Raises NotOn (no secret was asked for), AlreadyOn, WrongCode.
    """
    found = await rows.find(tx.conn, account_id=account_id)
    if found is None:
        raise NotOn("Ask for a secret first.")
    if found.is_on:
        raise AlreadyOn
    await _use_digits(tx, found, _plain(code))
    await rows.confirm(tx.conn, account_id=account_id)
    await _tell(tx, account_id, "second_factor_on")
    return await _put_codes(tx, account_id)


async def new_codes(tx: Tx, account_id: UUID) -> list[str]:
    """Recovery codes in place of all earlier ones; whose they are is told."""
    await _tell(tx, account_id, "recovery_codes_renewed")
    return await _put_codes(tx, account_id)


async def _put_codes(tx: Tx, account_id: UUID) -> list[str]:
    await rows.forget_codes(tx.conn, account_id=account_id)
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(RECOVERY_CHARS)) for _ in range(RECOVERY_CODES)]
    vault = vault_of(tx.services.settings)
    await rows.put_codes(
        tx.conn, [{"account_id": account_id, "code_hash": vault.mac("recovery", code.encode())} for code in codes]
    )
    return [f"{code[:5]}-{code[5:]}" for code in codes]


async def remove(tx: Tx, account_id: UUID) -> bool:
    """Takes the factor and its recovery codes away, and tells whose they were. False: there was none."""
    if not await rows.remove(tx.conn, account_id=account_id):
        return False
    await _tell(tx, account_id, "second_factor_off")
    return True


async def use(services: Services, account_id: UUID, code: str) -> None:
    """Uses one code of the app or one recovery code. Raises WrongCode, TooManyCodes, NotOn.

    The guess is counted in a transaction of its own: a refusal must not give it back.
    """
    key = f"totp:{account_id}"
    async with services.transaction() as tx:
        if wait_s := await quotas.take(tx.conn, key, GUESSES, GUESS_WINDOW_S):
            raise TooManyCodes(retry_after_s=wait_s)
    async with services.transaction() as tx:
        found = await rows.find(tx.conn, account_id=account_id)
        if found is None or not found.is_on:
            raise NotOn
        given = _plain(code)
        if len(given) == DIGITS and given.isdecimal():
            await _use_digits(tx, found, given)
        else:
            code_hash = vault_of(services.settings).mac("recovery", given.encode())
            if not await rows.use_code(tx.conn, account_id=account_id, code_hash=code_hash):
                raise WrongCode
        await quotas.forget(tx.conn, keys=[key])


def challenge(services: Services, account_id: UUID, password_hash: str) -> SecondStep:
    """What the first step of a sign-in answers: a token that stands for the right password, for five minutes."""
    extra = {"password": vault_of(services.settings).fingerprint("totp", password_hash)}
    token = services.tokens.mint(CHALLENGE, str(account_id), None, CHALLENGE_S, extra)
    return SecondStep(details={"challenge": token, "expires_in": CHALLENGE_S})


def challenged(services: Services, token: str) -> tuple[UUID, str]:
    """(account, what stands for its password) of a challenge that is not over. Raises ChallengeOver."""
    try:
        claims = services.tokens.read(token, CHALLENGE)
        return UUID(claims.subject), str(claims.extra.get("password", ""))
    except (DispatchError, ValueError):
        raise ChallengeOver from None


def check_password_stands(services: Services, mark: str, password_hash: str | None) -> None:
    """Raises ChallengeOver when the password has changed since the first step."""
    expected = vault_of(services.settings).fingerprint("totp", password_hash or "")
    if not hmac.compare_digest(mark.encode(), expected.encode()):
        raise ChallengeOver


async def _tell(tx: Tx, account_id: UUID, template: str) -> None:
    """As with a new password: whoever sits in an open sign-in may turn a factor of their own on."""
    account = await account_rows.get(tx.conn, id=account_id)
    if account is not None and account.email:
        await messages.enqueue(tx, "email", account.email, template, {}, account_id=account_id)


def _plain(code: str) -> str:
    """A code without the blanks and dashes with which people and apps write it."""
    return "".join(c for c in code.lower() if c.isalnum())


async def _use_digits(tx: Tx, factor: rows.Factor, code: str) -> None:
    secret = base64.b32decode(vault_of(tx.services.settings).open(factor.sealed, _cell(factor.account_id)))
    # Authenticator apps live in real time, whatever the domain's clock says.
    step = matching_step(secret, code, time.time())
    if step is None or not await rows.use_step(tx.conn, account_id=factor.account_id, step=step):
        raise WrongCode


def _cell(account_id: UUID) -> str:
    return cell("staff_totp", account_id, "sealed")
