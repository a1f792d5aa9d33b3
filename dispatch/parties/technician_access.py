"""A technician's sign-in and own profile; the code is a customer's, the endpoint decides the realm (C44)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from dispatch.access import otp, step_up
from dispatch.errors import Missing, NotAllowed
from dispatch.live.sessions import Pair
from dispatch.parties import bank_accounts
from dispatch.services import Services, Tx
from storage import technician_access as rows
from storage.bank_accounts import BankAccount
from storage.database.pool import Conn
from storage.technician_access import TechnicianProfile

REALM = "technician"


class TechnicianInactive(NotAllowed):
    """This technician's account is not active."""

    code = "technician_inactive"


class TechnicianNotVerified(NotAllowed):
    """The documents have not been verified yet."""

    code = "technician_not_verified"


class TechnicianRejected(NotAllowed):
    """The application was rejected; contact support."""

    code = "technician_rejected"


@dataclass(frozen=True, slots=True)
class SignedIn:
    technician: TechnicianProfile
    pair: Pair


async def sign_in(
    services: Services, phone: str, code: str, *, ip: str | None = None, user_agent: str | None = None
) -> SignedIn:
    """Signs in with a code for purpose login. A phone that is no technician's hears what a wrong code hears.

    Raises InvalidOtp, TooManyGuesses, TooManyWrong, TechnicianInactive, TechnicianNotVerified, TechnicianRejected.
    """
    refusal: NotAllowed | None = None
    pair: Pair | None = None
    async with services.transaction() as tx:
        technician = await rows.by_phone(tx.conn, phone=phone)
        verdict = await otp.guess(tx, phone, "login", code, ip, consumes=technician is not None)
        if verdict is otp.Verdict.RIGHT and technician is not None:
            refusal = _refusal(technician)
            if refusal is None:
                pair = await services.sessions.open(tx, REALM, technician.id, ip=ip, user_agent=user_agent)
    verdict.check()
    if technician is None:
        raise otp.InvalidOtp
    if refusal is not None:
        raise refusal
    assert pair is not None, "a right code of a technician who may sign in opens a session"
    return SignedIn(technician, pair)


async def confirm_step_up(services: Services, technician_id: UUID, code: str, *, ip: str | None = None) -> str:
    """Turns a code sent to the technician's phone (purpose reset_password or step_up) into a step-up token.

    Raises Invalid (the code), TooManyGuesses, TooManyWrong, Missing.
    """
    async with services.transaction() as tx:
        technician = await rows.get(tx.conn, id=technician_id)
        if technician is None or technician.phone is None:
            raise Missing("technician")
        verdict = await otp.guess(tx, technician.phone, "step_up", code, ip)
    verdict.check_field()
    return step_up.mint(services, REALM, technician_id, technician.phone)


async def set_bank_account(
    tx: Tx,
    technician_id: UUID,
    step_up_token: str | None,
    *,
    number: str,
    ifsc: str | None,
    bank_name: str | None,
    account_name: str | None,
) -> BankAccount:
    """Changes where the technician is paid. Raises StepUpNeeded, Missing."""
    technician = await get(tx.conn, technician_id)
    step_up.check(tx.services, step_up_token, REALM, technician_id, technician.phone)
    return await bank_accounts.replace(
        tx, technician_id, number=number, ifsc=ifsc, bank_name=bank_name, account_name=account_name,
        told_phone=technician.phone,
    )  # fmt: skip


async def get(conn: Conn, technician_id: UUID) -> TechnicianProfile:
    """Raises Missing."""
    technician = await rows.get(conn, id=technician_id)
    if technician is None:
        raise Missing("technician")
    return technician


def _refusal(technician: TechnicianProfile) -> NotAllowed | None:
    if not technician.is_active:
        return TechnicianInactive()
    if technician.onboarding_status == "rejected":
        return TechnicianRejected()
    if technician.onboarding_status != "verified":
        return TechnicianNotVerified()
    return None
