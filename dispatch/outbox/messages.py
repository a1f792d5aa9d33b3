"""Texts that leave the server: a row in the transaction of their cause, sent afterwards by the sweep."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from dispatch import bus
from dispatch.config import Settings
from dispatch.logs import REQUEST_ID
from dispatch.ports.messages import Message
from dispatch.services import Tx
from dispatch.vault import Vault, cell, vault_of
from storage import outbox as rows
from storage.database.pool import Conn

#: Every text that is sent by SMS or e-mail or pushed, under the name that providers know its template by.
TEMPLATES: Mapping[str, str] = {
    "otp_login": "{code} is your sign-in code. It is valid for {minutes} minutes. Share it with nobody.",
    "otp_step_up": "{code} confirms a change to your account. It is valid for {minutes} minutes. "
    "If you did not ask for it, ignore it and share it with nobody.",
    "otp_password": "{code} lets you choose a new password. It is valid for {minutes} minutes. "
    "If you did not ask for it, ignore it and share it with nobody.",
    "password_changed": "The password of your account was changed. If this was not you, contact us at once.",
    "second_factor_on": "Your account now asks for a code of an authenticator app when you sign in. "
    "If this was not you, contact us at once.",
    "second_factor_off": "Your account no longer asks for a code of an authenticator app when you sign in. "
    "If you did not want this, contact us at once.",
    "recovery_codes_renewed": "Your account has new recovery codes, and the earlier ones are over. "
    "If this was not you, contact us at once.",
    "password_link": "Choose the password of your account: {link}. The link works once, for {hours} hours.",
    "invoice_issued": "Invoice {number} over {amount} is here; please pay by {due}.",
    "invoice_overdue": "Invoice {number} over {amount} was due on {due} and is not paid yet.",
    "invoice_link": "Invoice {number} over {amount} is due. Pay it here: {link}",
    "plan_bill": "Bill {number} for your plan {plan} over {amount} is open until {due}. It is taken from your wallet "
    "as soon as that holds it, or pay it in your settings.",
    "plan_over": "Bill {number} over {amount} was not paid by {due}: your plan {plan} has ended.",
    "payout_rejected": "Your payout {number} over {amount} was not approved, and its money is back in your wallet. "
    "{reason}",
    "payout_failed": "Your payout {number} over {amount} did not arrive, and its money is back in your wallet. "
    "Please look at the bank account in your settings. {reason}",
    "payout_owed_again": "Your payout {number} over {amount} did not arrive and is owed to you again. "
    "Please look at the account that you are paid to. {reason}",
    "report_ready": "Your report {name} is ready: {link}",
    "organisation_verified": "{organisation} is verified: you can book from now on.",
    "organisation_status": "{organisation} is now {status}. {reason}",
    "ticket_opened": "{organisation} opened ticket {number} ({priority}): {subject}",
    "ticket_reply": "There is an answer to ticket {number}, {subject}: {message}",
    "member_enrolled": "{organisation} has enrolled you: you can book services as one of its members.",
    "quote_requested": "{organisation} asks for a quote: {number}.",
    "quote_answered": "Your quote {number} is answered: the offer is good until {until}.",
    "budget_warning": "{percent} percent of the budget of {whose} for {month} is used or reserved.",
    "approval_wanted": "{who} asks you to approve {number} for {day}, over {amount}. Nobody is sent before that.",
    "bulk_approved": "{number}, {title}, is approved: its visits are booked ahead of their days.",
    "bulk_rejected": "{number}, {title}, is not approved. {reason}",
    "bulk_unanswered": "Nobody has approved {number}, {title}, in time: it has ended.",
    "visits_in_trouble": "Visits of {number}, {title}, cannot be booked: {reason} Each is tried again until its time.",
    "job_accepted": "You were accepted for {title}. Sign in to the app for technicians with {phone}: you get jobs once "
    "your papers are verified. {note}",
    "job_rejected": "Your application for {title} was not accepted. {note}",
    "emergency_opened": "{organisation} has activated {program} ({event}, {level}). From now on its jobs are offered "
    "to your team first.",
    "invitation": "{inviter} invites you to {name}. Choose your password here: {link}. "
    "The link works once, for {hours} hours.",
    "verify_email": "Confirm that this is your address: {link}. The link works once, for {hours} hours.",
    "email_changed": "The e-mail address of your account was changed. If this was not you, contact us at once.",
    "application_rejected": "Your application for {name} was not accepted. {reason}",
    "owner_named": "{party} belongs to you from now on: sign in with your e-mail address and password.",
    "owner_changed": "{party} belongs to {name} from now on, as we were asked. You go on as an administrator of its "
    "team. If this is not right, contact us at once.",
    "membership_added": "You now belong to {party} as well: sign in with your e-mail address and password.",
    "phone_changed": "The phone number of your account was changed. If this was not you, contact us at once.",
    "bank_account_changed": "Your payouts now go to the bank account ending in {last4}. "
    "If this was not you, contact us at once.",
    "account_needed": "{amount} waits to be paid out to you, but there is no bank account to pay it to: enter one in "
    "your payout settings. The money leaves as soon as there is one.",
    "works_for": "You work for {provider} from now on: jobs that you accept from now on are paid to them, not to you. "
    "If this is not right, contact us.",
    "works_alone": "You work for yourself from now on: jobs that you accept from now on are paid to you.",
    "technician_joined": "{name} works for {party} from now on: jobs that they accept from now on are paid into your "
    "wallet. If this is not right, contact us.",
    "technician_left": "{name} no longer works for {party}: jobs that they accept from now on are not paid to you. "
    "Those that they had accepted are. If this is not right, contact us.",
    "webhook_disabled": "Your webhook {url} was switched off: {why}. Nothing is sent to it until you switch it on "
    "again; what it missed stands in its log and can be sent then.",
    "webhook_failed": "An event ({event}) could not be delivered to your webhook {url}: {error} It was tried {tries} "
    "times. It stands in the log and can be sent again from there. You are written to about this once a day at most.",
    "partner_status": "{name}, your account with us is now {status}. {reason}",
    "usage_alert": "{name} has used {used} of its {limit} calls of {month} (UTC). Calls beyond them are refused until "
    "the month is over; ask us in time if you need more.",
    "notification": "{title}: {message}",
}

#: What stands above a letter; one that is not named has the house's own line.
SUBJECTS: Mapping[str, str] = {
    "otp_login": "Your sign-in code",
    "otp_step_up": "Confirm a change to your account",
    "otp_password": "Choose a new password",
    "password_changed": "Your password was changed",
    "second_factor_on": "Your second factor is on",
    "second_factor_off": "Your second factor is off",
    "recovery_codes_renewed": "Your recovery codes were renewed",
    "password_link": "Choose your password",
    "member_enrolled": "Welcome to {organisation}",
    "invitation": "{inviter} invites you to {name}",
    "application_rejected": "Your application for {name}",
    "membership_added": "You now belong to {party}",
    "owner_named": "{party} belongs to you",
    "owner_changed": "{party} has another owner",
    "bank_account_changed": "Your bank account was changed",
    "payout_rejected": "Your payout {number}",
    "payout_failed": "Your payout {number}",
    "account_needed": "Your payout needs a bank account",
    "technician_joined": "{name} works for you",
    "technician_left": "{name} no longer works for you",
    "webhook_disabled": "A webhook of yours was switched off",
    "webhook_failed": "An event could not be delivered to you",
    "partner_status": "{name}: your account with us",
    "usage_alert": "{name}: {percent} percent of the calls of {month} are used",
    "notification": "{title}",
}

_SEALED = "sealed:"


def hides_secrets(settings: Settings, channel: str) -> bool:
    """Whether codes and links are nobody's to read but the recipient's: in production, and wherever strangers come by.

    Except for a channel of staging that sends nothing: there the outbox is where they are read.
    """
    goes_out = getattr(settings.senders, channel, "outbox") != "outbox"
    return settings.is_production or (settings.is_deployed and goes_out)


async def enqueue(
    tx: Tx,
    channel: str,
    recipient: str,
    template: str,
    params: Mapping[str, Any],
    *,
    stream: str | None = None,
    is_secret: bool = False,
    supersedes: bool = False,
    account_id: UUID | None = None,
) -> int:
    """Writes the message with its cause. Returns the id of its row.

    Messages of one `stream` (by default the recipient's) leave in order. `supersedes` drops what the stream
    still holds; with the account (`account_id`) goes the message. Where `hides_secrets`, a secret one is sealed until
    it is sent, and its text is erased then.
    """
    stream = stream or f"{channel}:{recipient}"
    if supersedes:
        await rows.supersede(tx.conn, stream=stream)
    body, data = TEMPLATES[template].format_map(params), dict(params)
    if is_secret and hides_secrets(tx.services.settings, channel):
        body, data = _seal(vault_of(tx.services.settings), stream, body, data), {}
    message_id = await rows.put(
        tx.conn, channel=channel, stream=stream, recipient=recipient, template=template, body=body, data=data,
        is_secret=is_secret, account_id=account_id, request_id=REQUEST_ID.get(),
    )  # fmt: skip
    assert message_id is not None, "an insert returns its id"
    tx.hint(bus.OUTBOX_FILLED, {"channels": [channel]})
    return message_id


def opened(row: rows.Claimed, vault: Vault, brand: str) -> Message:
    """The message in a claimed row, unsealed if need be; `brand` is who writes. Raises SealBroken."""
    text, params = row.body, row.data
    if row.is_secret and text.startswith(_SEALED):
        plain = vault.open(base64.b64decode(text.removeprefix(_SEALED)), cell("outbox", row.stream, "body"))
        content = orjson.loads(plain)
        text, params = content["text"], content["params"]
    return Message(
        row.id, row.channel, row.recipient, row.template, text, params, row.created_at,
        subject=subject_of(row.template, params, brand),
    )  # fmt: skip


def subject_of(template: str, params: Mapping[str, Any], brand: str) -> str:
    """What stands above a letter of this template."""
    if template not in SUBJECTS:
        return f"A message from {brand}"
    return SUBJECTS[template].format_map(defaultdict(lambda: brand, params))


async def list_outbox(
    conn: Conn, recipient: str | None = None, limit: int = 50, channel: str | None = None
) -> list[rows.Listed]:
    """The newest rows first, to one recipient or to all, of one channel or of all. Secret texts are readable where
    nothing `hides_secrets`."""
    return await rows.page(conn, recipient=recipient, channel=channel, limit=limit)


def _seal(vault: Vault, stream: str, text: str, params: Mapping[str, Any]) -> str:
    plain = orjson.dumps({"text": text, "params": params}).decode()
    return _SEALED + base64.b64encode(vault.seal(plain, cell("outbox", stream, "body"))).decode()
