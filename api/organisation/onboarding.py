"""The four steps before an organisation is at home."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from api.audiences import Member, organisation
from api.organisation.billing_settings import (
    AutoPaymentIn,
    BankBody,
    BillingBody,
    InvoiceSettingsIn,
    MethodsIn,
    Terms,
)
from api.organisation.fields import Name, Url, Word, by_of, whole_organisation
from api.wire.models import CamelBody, CamelView, Whole
from api.wire.parsing import validate_body
from api.wire.results import File, Reply
from dispatch.errors import Invalid
from dispatch.parties import billing_settings, members, onboarding, organisations
from dispatch.parties.onboarding import STEPS, Progress
from dispatch.reports import agreement_pdf
from dispatch.services import Services, Tx

StepName = Literal["document_verification", "contract_signing", "payment_setup", "user_enrollment"]
DocumentType = Literal["business_registration", "tax_certificate", "authorization_letter"]


class DocumentIn(CamelBody):
    type: DocumentType
    url: Url


class DocumentsIn(CamelBody):
    """One at least; a URL elsewhere is kept and never fetched."""

    documents: Annotated[list[DocumentIn], Field(min_length=1, max_length=20)]


class ContractIn(CamelBody):
    """Who accepts the agreement, in so many words."""

    accepted: Literal[True]
    signatory_name: Name | None = None
    signatory_position: Word | None = None


class EnrolmentIn(CamelBody):
    """Nothing to send: whoever was enrolled by now counts."""

    completed: bool = True


class StepDataIn(CamelBody):
    """What the steps ask for, each its own: documents; the acceptance; how we are billed; nothing."""

    documents: Annotated[list[DocumentIn], Field(max_length=20)] | None = None
    accepted: bool | None = None
    signatory_name: Name | None = None
    signatory_position: Word | None = None
    billing_cycle: Literal["monthly", "quarterly"] | None = None
    billing_date: Whole | None = None
    payment_terms: Terms | None = None
    payment_method: MethodsIn | None = None
    bank_details: BankBody | None = None
    invoice_settings: InvoiceSettingsIn | None = None
    auto_payment: AutoPaymentIn | None = None
    completed: bool | None = None


class StepIn(CamelBody):
    step: StepName
    data: StepDataIn = StepDataIn()


class StepOut(CamelView):
    step: str
    status: str
    description: str


class DocumentOut(CamelView):
    name: str
    url: str


class NextStepOut(CamelView):
    step: str
    title: str
    description: str
    documents: list[DocumentOut]


class ProgressOut(CamelView):
    """`currentStep` is the one to do now, `completed` after the last. `progress` in per cent."""

    current_step: str
    progress: int
    next_step: NextStepOut | None


class StepsOut(ProgressOut):
    steps: list[StepOut]


DATA: dict[str, TypeAdapter[Any]] = {
    "document_verification": TypeAdapter(DocumentsIn), "contract_signing": TypeAdapter(ContractIn),
    "payment_setup": TypeAdapter(BillingBody), "user_enrollment": TypeAdapter(EnrolmentIn),
}  # fmt: skip
AGREEMENT = "/api/partners/onboarding/agreement"


@organisation.route("PUT", "/onboarding/step", permission="onboarding:write", accepts_cards=True, tags=["onboarding"])
async def complete_step(services: Services, caller: Member, body: StepIn) -> Reply[ProgressOut]:
    """Complete the next step of the onboarding; they come in order, each is a quarter.

    Example: {"step": "document_verification", "data": {"documents": [{"type": "business_registration", "url":
    "https://example.com/certificate.pdf"}]}}
    """
    data = _data(body)
    async with services.transaction() as tx:
        kept = await _effect(tx, caller, body.step, data)
        progress = await onboarding.complete(tx, whole_organisation(caller), body.step, kept)
    return Reply(_progress(progress), message="Onboarding step completed")


@organisation.route("GET", "/onboarding", permission="onboarding:read", tags=["onboarding"])
async def get_progress(services: Services, caller: Member) -> StepsOut:
    """How far the onboarding is."""
    async with services.read() as conn:
        progress = await onboarding.progress(conn, whole_organisation(caller))
    return StepsOut(**_progress(progress).model_dump(by_alias=False), steps=steps_out(progress))


@organisation.route("GET", "/onboarding/agreement", permission="onboarding:read", tags=["onboarding"])
async def agreement(services: Services, caller: Member) -> File:
    """The partnership agreement to read before it is accepted, as PDF."""
    async with services.read() as conn:
        home = await organisations.get(conn, whole_organisation(caller))
    brand, name = services.settings.brand, home.legal_name or home.name
    paper = await asyncio.to_thread(agreement_pdf.draw, brand, name, home.code)
    return File(paper, f"agreement-{home.code}.pdf", "application/pdf", is_inline=True)


def steps_out(progress: Progress) -> list[StepOut]:
    return [StepOut(step=s.step, status=s.status, description=STEPS[s.step][1]) for s in progress.steps]


def _data(body: StepIn) -> Any:
    given = body.data.model_dump(exclude_unset=True, mode="json")
    read, bad, _ = validate_body(DATA[body.step], given, organisation.dialect, drops_unknown=True)
    if bad:
        raise Invalid({f"data.{name}": texts for name, texts in bad.items()})
    return read


async def _effect(tx: Tx, caller: Member, step: str, data: Any) -> dict[str, Any]:
    """Does what a step brings about, and gives what is kept of it."""
    organisation_id = whole_organisation(caller)
    if step == "payment_setup":
        # The bank stands sealed where the bills look for it, and nowhere else.
        await billing_settings.put(tx, organisation_id, data.settings(), data.bank())
        return {"primary": data.payment_method.primary}
    if step == "contract_signing":
        return {**data.model_dump(exclude_none=True, by_alias=False), "accepted_by": caller.actor.id,
                "accepted_at": tx.now.isoformat()}  # fmt: skip
    if step == "user_enrollment":
        await organisations.lock(tx, organisation_id)
        if (await members.totals(tx.conn, by_of(caller))).total < 2:
            raise Invalid({"data": "Enroll somebody first: send the list of your people."})
        return {}
    kept: dict[str, Any] = data.model_dump(exclude_none=True, by_alias=False)
    return kept


def _progress(progress: Progress) -> ProgressOut:
    current = progress.current
    step = None
    if current in STEPS:
        title, text = STEPS[current]
        documents = [DocumentOut(name="Partnership Agreement", url=AGREEMENT)] if current == "contract_signing" else []
        step = NextStepOut(step=current, title=title, description=text, documents=documents)
    return ProgressOut(current_step=current, progress=progress.percent, next_step=step)
