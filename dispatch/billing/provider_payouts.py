"""A provider's payouts: where they go, when they leave by themselves, and those that are asked for by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from dispatch import localtime
from dispatch.billing import one_by_one, payout_sending, payouts, provider_wallet
from dispatch.billing.payout_days import Schedule
from dispatch.config import Settings
from dispatch.engine import audit
from dispatch.errors import Conflict, Invalid, Missing
from dispatch.events import SYSTEM, Actor
from dispatch.outbox import messages
from dispatch.parties import bank_accounts
from dispatch.parties.bank_accounts import Change
from dispatch.reports.formats import amount_text
from dispatch.services import Services, Tx
from storage import bank_accounts as account_rows
from storage import payouts as rows
from storage import provider_team as team_rows
from storage import providers as provider_rows
from storage.bank_accounts import BankAccount
from storage.database.listing import Slice, Wanted
from storage.database.pool import Conn
from storage.payouts import Payout
from storage.providers import Provider

#: Until money that has left has arrived, in days.
ARRIVES_DAYS = 2
#: So long it is not written to again that its money waits for a bank account, in days.
ASK_EVERY_DAYS = 7
METHOD = "bank_transfer"
SERIES = "#"


class ManualPayoutsOff(Conflict):
    """Payouts that are asked for by hand are switched off for this provider."""

    code = "manual_payouts_disabled"


class NoBankAccount(Conflict):
    """There is no bank account to pay to yet: enter one in the payout settings."""

    code = "no_bank_account"


class NotInReview(Conflict):
    """This payout does not wait for a decision."""

    code = "not_in_review"


class AccountChanged(Conflict):
    """The bank account was changed since; the payout names the new one now: look at it, and decide again."""

    code = "account_changed"
    keeps_work = True


def schedule_of(provider: Provider) -> Schedule:
    return Schedule(provider.payout_frequency, provider.payout_day, provider.payouts_from)


def next_day(provider: Provider, now: datetime) -> date:
    """The next local day on which money leaves by itself: today, while today's has not left yet."""
    today = localtime.local(now, provider.timezone).date()
    schedule = schedule_of(provider)
    is_open = provider.paid_out_on is None or provider.paid_out_on < today
    return today if is_open and schedule.is_payday(today) else schedule.next_after(today)


# ---------------------------------------------------------------- by hand


async def request(
    tx: Tx, provider_id: UUID, amount_minor: int, currency: str, *, description: str | None, actor: Actor
) -> Payout:
    """A payout of exactly this amount; the same one again while it is open. Above a setting it waits for staff.

    Of any number of parallel requests those succeed that the balance covers. Raises ManualPayoutsOff, NoBankAccount,
    Invalid (below the minimum, a currency that the wallet has no account in), BalanceTooSmall.
    """
    provider = await _lock(tx, provider_id)
    if not provider.manual_payouts:
        raise ManualPayoutsOff
    bad: dict[str, str] = {}
    if amount_minor < max(1, provider.min_payout_minor):
        bad["amount"] = f"must be at least {amount_text(max(1, provider.min_payout_minor), currency)}"
    held = {b.currency for b in await provider_wallet.balances(tx.conn, provider_id)}
    if currency not in held | {provider.currency}:
        bad["currency"] = f"The wallet holds no {currency}, and nothing is converted."
    if bad:
        raise Invalid(bad)
    if await bank_accounts.find(tx.conn, provider_id) is None:
        raise NoBankAccount
    known = await rows.open_request(tx.conn, party_id=provider_id, currency=currency, net_minor=amount_minor)
    if known is not None:
        return known
    waits = _needs_review(tx.services.settings, amount_minor, currency)
    made = await payouts.create(
        tx, provider_id, method=METHOD, requested_by=f"{actor.kind}:{actor.id}", amount_minor=amount_minor,
        currency=currency, notes=description, series=SERIES, is_request=True, needs_review=waits,
    )  # fmt: skip
    return made if waits else await _send(tx, made)


def _needs_review(settings: Settings, amount_minor: int, currency: str) -> bool:
    """The threshold is in the house's currency: of another one nobody knows here what it is worth."""
    return currency != settings.currency or amount_minor > settings.providers.review_above_minor


async def review(tx: Tx, payout_id: UUID, action: str, reason: str | None, actor: Actor) -> Payout:
    """Staff let a large payout go, or give its money back and the provider is written why. What is approved is the
    account as well.

    Raises Missing, NotInReview, AccountChanged.
    """
    payout = await payouts.lock(tx, payout_id)
    if action == "approve":
        await account_rows.lock_party(tx.conn, party_id=payout.party_id)
        if await rows.readdress(tx.conn, payout_id=payout_id):
            raise AccountChanged
    if not await rows.reviewed(tx.conn, payout_id=payout_id, reviewed_by=f"{actor.kind}:{actor.id}"):
        raise NotInReview
    await audit.record(
        tx, actor, f"payout.{action}", "payout", payout_id, {"review": {"old": "waiting", "new": action}}
    )
    payout = await payouts.lock(tx, payout_id)
    if action == "approve":
        return await _send(tx, payout)
    await payouts.give_back(tx, payout, reason or "declined", is_declined=True)
    await _write_rejected(tx, payout, reason)
    return await payouts.get(tx.conn, payout_id)


async def _write_rejected(tx: Tx, payout: Payout, reason: str | None) -> None:
    provider = await provider_rows.get(tx.conn, id=payout.party_id)
    address = provider and (provider.billing_email or provider.email)
    if address:
        await messages.enqueue(tx, "email", address, "payout_rejected", {
            "number": payout.number, "amount": amount_text(payout.net_minor, payout.currency), "reason": reason or "",
        })  # fmt: skip


async def _send(tx: Tx, payout: Payout) -> Payout:
    """Through the gateway where it can; else it waits for people who pay by hand."""
    if payout.status != "pending":
        return payout
    account = await bank_accounts.find(tx.conn, payout.party_id)
    settings = tx.services.settings.payments
    if not (settings.is_configured and settings.account_number and account is not None and account.ifsc):
        return payout
    return await payout_sending.hand_over(tx, payout.id)


async def _lock(tx: Tx, provider_id: UUID) -> Provider:
    provider = await provider_rows.lock(tx.conn, id=provider_id)
    assert provider is not None, "whoever asks belongs to it"
    return provider


# ---------------------------------------------------------------- by themselves


async def pay_due(services: Services) -> int:
    """Pays out whatever is due on this local day of each provider; returns how many payouts that made.

    Each provider in a transaction of its own, and each payday once: a payday that was missed is made up for.
    """
    async with services.read() as conn:
        due = [one for one in await provider_rows.all(conn) if _is_due(one, services.clock.now())]
    # One whose account is not in order waits for its next day.
    return await one_by_one.each(
        services, ((f"the payout of provider {one.id}", partial(_pay, provider_id=one.id)) for one in due)
    )


def _is_due(provider: Provider, now: datetime) -> bool:
    """Whether a payday has come since the last one that was paid, and since this schedule began."""
    since = provider.payouts_from - timedelta(days=1)
    if provider.paid_out_on is not None:
        since = max(since, provider.paid_out_on)
    return schedule_of(provider).latest(local_day(now, provider)) > since


async def _pay(tx: Tx, provider_id: UUID) -> int:
    provider = await _lock(tx, provider_id)
    if not _is_due(provider, tx.now):
        return 0
    currency = provider.store_currency
    held = {b.currency: b for b in await provider_wallet.balances(tx.conn, provider_id)}
    amount = held[currency].available_minor if currency in held else 0
    is_enough = amount >= max(1, provider.min_payout_minor)
    if is_enough and await bank_accounts.find(tx.conn, provider_id) is None:
        await _ask_for_account(tx, provider, amount, currency)
        return 0
    # Also of a day on which there is nothing to pay: what comes after it waits for the next one.
    await provider_rows.paid_out(tx.conn, id=provider_id, day=local_day(tx.now, provider))
    if not is_enough:
        return 0
    made = await payouts.create(
        tx, provider_id, method=METHOD, requested_by=f"{SYSTEM.kind}:payday", amount_minor=amount, currency=currency,
        series=SERIES,
    )  # fmt: skip
    await _send(tx, made)
    return 1


async def _ask_for_account(tx: Tx, provider: Provider, amount_minor: int, currency: str) -> None:
    """Writes that money waits for a bank account: its payday is made up for once there is one."""
    address = provider.billing_email or provider.email
    if address is None or not await provider_rows.ask_for_account(
        tx.conn, id=provider.id, day=local_day(tx.now, provider), every_days=ASK_EVERY_DAYS
    ):
        return
    await messages.enqueue(tx, "email", address, "account_needed", {"amount": amount_text(amount_minor, currency)})


# ---------------------------------------------------------------- settings


async def set_account(tx: Tx, provider_id: UUID, change: Change, actor: Actor) -> BankAccount:
    """Where money goes from now on. Its owner reads of it, and whoever reads its bills.

    Not only these: any administrator of the team may have named that address a moment before. Raises Invalid.
    """
    provider = await _lock(tx, provider_id)
    before = await bank_accounts.find(tx.conn, provider_id)
    after = await bank_accounts.merge(tx, provider_id, change)
    if before is not None and before.id == after.id:
        return after
    owner = await team_rows.owner_email(tx.conn, provider_id=provider_id)
    told = {a.lower(): a for a in (provider.billing_email or provider.email, owner) if a is not None}
    for address in told.values():
        await messages.enqueue(tx, "email", address, "bank_account_changed", {"last4": after.last4})
    ends = {"old": before.last4 if before else None, "new": after.last4}
    await audit.record(tx, actor, "payouts.account", "provider", provider_id, {"account_last4": ends})
    return after


async def set_schedule(
    tx: Tx, provider_id: UUID, *, frequency: str | None, day: str | None, currency: str | None
) -> Provider:
    """Merges what is given into the settings: what is not given stays, but no day of another frequency does.

    Raises Invalid where the day does not fit, or weekly payouts are asked for without one.
    """
    provider = await _lock(tx, provider_id)
    wanted = frequency or provider.payout_frequency
    kept = provider.payout_day if wanted == provider.payout_frequency else None
    if frequency == "weekly" and not (day or kept):
        raise Invalid({"payoutDay": "Payout day is required for weekly payouts"})
    chosen = _day_of(wanted, day or kept)
    await provider_rows.set_payouts(
        tx.conn, id=provider_id, frequency=wanted, day=chosen, currency=currency or provider.store_currency,
        today=local_day(tx.now, provider),
    )  # fmt: skip
    return await _lock(tx, provider_id)


def _day_of(frequency: str, day: str | None) -> str | None:
    is_weekday = day is not None and not day.isdecimal()
    if frequency in ("weekly", "bi-weekly"):
        if day is not None and not is_weekday:
            raise Invalid({"payoutDay": "must be a day of the week"})
        return day or "friday"
    if frequency == "monthly" and is_weekday:
        raise Invalid({"payoutDay": "must be a day of the month from 1 to 28"})
    return day if frequency == "monthly" else None


# ---------------------------------------------------------------- reading

#: Payouts that were asked for by hand, of all providers.
REQUESTS = rows.requests


async def requests(conn: Conn, wanted: Wanted) -> Slice[Payout]:
    return await rows.requests.page(conn, wanted)


async def of_provider(conn: Conn, provider_id: UUID, payout_id: UUID) -> Payout:
    """Raises Missing, also for another's."""
    found = await payouts.get(conn, payout_id)
    if found.party_id != provider_id:
        raise Missing("payout")
    return found


def reference_of(payout: Payout) -> str | None:
    """What the bank or the gateway calls it, as soon as one of them has a name for it."""
    return payout.bank_transaction_id or payout.upi_transaction_id or payout.gateway_payout_id


def local_day(moment: datetime, provider: Provider) -> date:
    return localtime.local(moment, provider.timezone).date()
