"""The five steps in which an app comes to its credentials, each sent with the token that the first one gave."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any
from uuid import UUID

from dispatch import urls
from dispatch.access import api_keys
from dispatch.config import Settings
from dispatch.engine import audit, files
from dispatch.errors import Conflict, Invalid, Missing, NotSignedIn
from dispatch.events import Actor
from dispatch.parties import integrations
from dispatch.parties.integrations import NewIntegration, PartnerNotFound
from dispatch.services import Services, Tx
from dispatch.webhooks import endpoints
from dispatch.webhooks.owners import Owner
from storage import integrations as rows
from storage.database.pool import Conn
from storage.files import File
from storage.integrations import Document, Integration

STEPS = ("basic_info", "business_info", "api_setup", "verification", "activation")
MOST_DOCUMENTS = 5
#: What goes to the address that was named in the third step, until the app chooses otherwise.
TOPICS = (
    "booking.created", "booking.confirmed", "booking.cancelled", "booking.completed", "partner.assigned",
    "partner.accepted", "partner.status_changed", "api.usage_alert", "maintenance.scheduled", "security.alert",
)  # fmt: skip
#: What the token begins with.
_PREFIX = "ot_"


class OnboardingIncomplete(Invalid):
    """The steps before the activation have to be done first."""

    code = "incomplete_onboarding"


class OnboardingOver(Conflict):
    """This partner's onboarding is over: it was finished, or the partner was rejected."""

    code = "onboarding_over"


class DocumentNotFound(Missing):
    """There is no such document."""

    code = "document_not_found"


@dataclass(frozen=True, slots=True)
class Started:
    """`token` is shown this once."""

    integration: Integration
    token: str


@dataclass(frozen=True, slots=True)
class Issued:
    """What an app is given once: its client id, a second name for it that is secret, and the secret.

    `webhook_secret` signs what goes to the address that it named, if it named one.
    """

    integration: Integration
    api_key: str
    secret: str
    webhook_secret: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: the step that is next (the last one when all are done), and the share done in percent."""

    is_complete: bool
    current_step: str
    percent: int


def progress(row: Integration) -> Progress:
    """Progress is completed / 5 x 100."""
    left = [step for step in STEPS if step not in row.steps]
    percent = (len(STEPS) - len(left)) * 100 // len(STEPS)
    return Progress(not left, left[0] if left else STEPS[-1], percent)


async def start(tx: Tx, new: NewIntegration, actor: Actor, *, names_existing: bool = False) -> Started:
    """The first step, by anybody. Raises PartnerExists, which names it with `names_existing`, and DuplicateEntry."""
    token = _new_token()
    made = await integrations.make(tx, new, actor, onboarding_hash=_hash(token), names_existing=names_existing)
    return Started(made, token)


async def renew(tx: Tx, id: UUID, actor: Actor) -> Started:
    """A new token for the steps that are left, for whoever manages the app; the one before is over.

    The first is shown once and good for a month: without another one an app that lost it could neither go on nor begin
    again under its address. Raises PartnerNotFound, OnboardingOver.
    """
    row = await integrations.locked(tx, id)
    if row.status != "pending" or progress(row).is_complete:
        raise OnboardingOver
    token = _new_token()
    await rows.set_token(tx.conn, id=id, onboarding_hash=_hash(token), onboarding_s=integrations.ONBOARDING_S)
    await audit.record(tx, actor, "renew_onboarding", "integration", id)
    return Started(row, token)


async def shown(conn: Conn, id: UUID) -> tuple[Integration, Sequence[Document]]:
    """An app and its documents. Raises PartnerNotFound."""
    return await integrations.get(conn, id), await documents(conn, id)


async def check(conn: Conn, id: UUID, token: str | None) -> None:
    """Whether the token is this app's. Raises NotSignedIn for none or a wrong one, PartnerNotFound for another's."""
    if token is None:
        raise NotSignedIn("Send the token of your onboarding as X-Onboarding-Token.")
    found = await rows.id_of_token(conn, onboarding_hash=_hash(token))
    if found is None:
        raise NotSignedIn(
            "This onboarding token is not valid, or no longer: the managing account can get a new one or, once the "
            "onboarding is over, new credentials."
        )
    if found != id:
        raise PartnerNotFound


async def set_business(tx: Tx, id: UUID, token: str | None, info: Mapping[str, Any], actor: Actor) -> Integration:
    """Lays what is given over what is stored; a null address clears it."""
    before = await _begun(tx, id, token)
    await rows.set_details(
        tx.conn, id=id, partner_type=before.partner_type, tags=before.tags,
        business_info=integrations.merged(before.business_info, info),
    )  # fmt: skip
    return await _stepped(tx, before, "business_info", actor)


async def set_api(
    tx: Tx, id: UUID, token: str | None, addresses: Mapping[str, str | None], actor: Actor
) -> Integration:
    """Where the app hears and sends people back to; makes its client id. What is not named stays.

    Raises Invalid for an address that is no public machine's over https.
    """
    before = await _begun(tx, id, token)
    _check_urls(tx.services.settings, addresses)
    await rows.set_urls(
        tx.conn, id=id, webhook_url=addresses.get("webhook_url", before.webhook_url),
        callback_url=addresses.get("callback_url", before.callback_url),
    )  # fmt: skip
    await ensure_key(tx, before)
    return await _stepped(tx, before, "api_setup", actor)


async def verify(
    tx: Tx, id: UUID, token: str | None, linked: Sequence[Mapping[str, str]] | None, actor: Actor
) -> Integration:
    """The documents that say who the app is: those that lie elsewhere, named anew each time, and those uploaded.

    Raises Invalid when there is none at all, or more than five.
    """
    before = await _begun(tx, id, token)
    if linked is not None:
        await rows.drop_linked(tx.conn, integration_id=id)
        for one in linked:
            await rows.add_document(tx.conn, integration_id=id, file_id=None, **one)
    count = len(await rows.documents(tx.conn, integration_id=id))
    if count == 0:
        raise Invalid({"documents": "Name at least one document with its type, name and url, or upload one first."})
    _check_count(count)
    return await _stepped(tx, before, "verification", actor)


async def activate(tx: Tx, id: UUID, token: str | None, actor: Actor) -> Issued:
    """Ends the onboarding: the token with it. Raises OnboardingIncomplete unless the first four steps are done.

    Where an activation is reviewed the status stays pending until staff say so, and the credentials begin to work then.
    """
    before = await _begun(tx, id, token)
    if missing := [step for step in STEPS[:-1] if step not in before.steps]:
        raise OnboardingIncomplete({"steps": f"These steps are still to be done: {', '.join(missing)}."})
    key_id = await ensure_key(tx, before)
    alias, secret = await api_keys.issue(tx, key_id)
    await rows.end_onboarding(tx.conn, id=id)
    if not tx.services.settings.integration_activation_requires_review:
        await rows.set_status(tx.conn, id=id, status="active", sources=["pending"])
    hook = None
    if before.webhook_url is not None:
        hook = await endpoints.create(tx, Owner(integrations.REALM, id), actor, url=before.webhook_url, events=TOPICS)
    return Issued(await _stepped(tx, before, "activation", actor), alias, secret, hook.secret if hook else None)


async def ensure_key(tx: Tx, row: Integration) -> UUID:
    """The app's key, made where it has none; its secret is known to nobody yet. The caller holds the row's lock."""
    if row.key_id is not None:
        return row.key_id
    made = await api_keys.make(tx, row.id, kind=integrations.REALM, name=row.name, scopes=integrations.SCOPES)
    await rows.set_key(tx.conn, id=row.id, key_id=made.id)
    return made.id


def _check_urls(settings: Settings, given: Mapping[str, str | None]) -> None:
    said = {
        name: complaint
        for field, name in (("webhook_url", "webhookUrl"), ("callback_url", "callbackUrl"))
        if (url := given.get(field)) is not None and (complaint := urls.complaint_of(url, settings.webhooks.open_hosts))
    }
    if said:
        raise Invalid(said)


async def _begun(tx: Tx, id: UUID, token: str | None) -> Integration:
    """The app whose onboarding goes on, its row locked. Raises what `check` raises, and OnboardingOver."""
    await check(tx.conn, id, token)
    row = await integrations.locked(tx, id)
    # Whoever had the lock may have ended the onboarding.
    await check(tx.conn, id, token)
    if not integrations.MOVES[row.status]:
        raise OnboardingOver
    return row


async def _stepped(tx: Tx, before: Integration, step: str, actor: Actor) -> Integration:
    await rows.done(tx.conn, id=before.id, step=step)
    after = await integrations.get(tx.conn, before.id)
    changes = audit.difference(_told(before), _told(after))
    await audit.record(tx, actor, f"onboard_{step}", "integration", before.id, changes)
    return after


def _told(row: Integration) -> dict[str, Any]:
    return {
        "status": row.status, "business_info": row.business_info, **integrations.addresses(row),
        "steps": sorted(row.steps),
    }  # fmt: skip


def _new_token() -> str:
    return _PREFIX + secrets.token_urlsafe(32)


def _hash(token: str) -> bytes:
    # 256 random bits need no slow hash.
    return hashlib.sha256(token.encode()).digest()


# ---------------------------------------------------------------- documents


@dataclass(frozen=True, slots=True)
class UploadedDocument:
    """A file as it came."""

    type: str
    name: str
    content: IO[bytes]


async def upload(services: Services, id: UUID, document: UploadedDocument, actor: Actor) -> Sequence[Document]:
    """Keeps a file and gives the list. Raises PartnerNotFound, Invalid for a wrong file and beyond five documents."""
    async with services.read() as conn:
        await integrations.get(conn, id)
    owner = files.Owner(integrations.REALM, id)
    received = await files.receive(
        services, "document", owner, document.name, document.content, actor, field="document"
    )
    async with services.transaction() as tx:
        await integrations.locked(tx, id)
        _check_count(len(await documents(tx.conn, id)) + 1)
        kept = await files.keep(tx, received.id)
        document_id = await rows.add_document(
            tx.conn, integration_id=id, type=document.type, name=document.name, url=None, file_id=kept.id
        )
        new = {"id": document_id, "type": document.type, "name": document.name}
        await audit.record(tx, actor, "add_document", "integration", id, {"document": {"old": None, "new": new}})
        return await documents(tx.conn, id)


async def drop_document(tx: Tx, id: UUID, document_id: UUID, actor: Actor) -> None:
    """Raises PartnerNotFound, DocumentNotFound."""
    await integrations.locked(tx, id)
    gone = await rows.drop_document(tx.conn, integration_id=id, id=document_id)
    if gone is None:
        raise DocumentNotFound
    if gone.file_id is not None:
        await files.drop(tx, gone.file_id)
    old = {"id": gone.id, "type": gone.type, "name": gone.name}
    await audit.record(tx, actor, "delete_document", "integration", id, {"document": {"old": old, "new": None}})


async def documents(conn: Conn, id: UUID) -> Sequence[Document]:
    """In the order in which they came."""
    return await rows.documents(conn, integration_id=id)


async def file_of(conn: Conn, id: UUID, document_id: UUID) -> File:
    """The file of an uploaded one. Raises DocumentNotFound."""
    found = next((d for d in await documents(conn, id) if d.id == document_id), None)
    if found is None or found.file_id is None:
        raise DocumentNotFound
    return await files.get(conn, found.file_id, files.Owner(integrations.REALM, id))


def _check_count(count: int) -> None:
    if count > MOST_DOCUMENTS:
        raise Invalid({"documents": f"At most {MOST_DOCUMENTS} documents are kept of a partner."})
