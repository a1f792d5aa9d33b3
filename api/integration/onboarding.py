"""From a name to working credentials, in five steps."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from api.audiences import Member, integration
from api.edge.limits import ONBOARDING
from api.edge.request_info import RequestInfo
from api.integration import callers
from api.integration.callers import admit_onboarding, onboarding_token, stranger
from api.integration.views import (
    BusinessInfoIn,
    CredentialsOut,
    DocumentOut,
    DocumentType,
    Name,
    OnboardingOut,
    PartnerBrief,
    StartIn,
    WebAddress,
    brief_of,
    credentials_of,
    document_out,
    onboarding_out,
)
from api.wire.models import CamelBody, CamelView
from api.wire.results import Reply
from dispatch.parties import integration_onboarding
from dispatch.parties.integrations import NewIntegration
from dispatch.services import Services

TAGS = ("onboarding",)
Link = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class StartedOut(CamelView):
    """`onboardingToken` is shown this once: the other steps want it as X-Onboarding-Token."""

    partner: PartnerBrief
    onboarding_token: str


class BusinessIn(CamelBody):
    business_info: BusinessInfoIn = Field(default_factory=BusinessInfoIn)


class ApiSetupIn(CamelBody):
    """A null takes an address away."""

    keeps_null = frozenset({"webhook_url", "callback_url"})

    webhook_url: Link | None = None
    callback_url: Link | None = None


class DocumentIn(CamelBody):
    type: DocumentType
    name: Name
    url: WebAddress


class VerificationIn(CamelBody):
    documents: Annotated[list[DocumentIn], Field(max_length=integration_onboarding.MOST_DOCUMENTS)] | None = None


class StepDoneOut(CamelView):
    id: UUID
    status: str
    onboarding: OnboardingOut
    api_credentials: CredentialsOut
    verification_documents: list[DocumentOut]


class IssuedCredentials(CredentialsOut):
    """Keys and secrets are shown this once; `webhookSecret` signs what goes to the webhook's address."""

    api_key: str
    client_secret: str
    webhook_secret: str | None


class ActivatedOut(CamelView):
    id: UUID
    status: str
    onboarding: OnboardingOut
    api_credentials: IssuedCredentials


@integration.route("POST", "/onboarding/start", status=201, public=True, quota=ONBOARDING, tags=TAGS)
async def start(
    services: Services, body: StartIn, request_info: RequestInfo, caller: Member | None = None
) -> Reply[StartedOut]:
    """Begin. Whoever has the e-mail address gets a link to the managing account.

    Example: {"name": "Acme Homes", "email": "dev@acme.example", "phoneNumber": "+911234567890"}
    """
    new = NewIntegration(body.name, body.email, body.phone_number, body.partner_type)
    async with services.transaction() as tx:
        made = await integration_onboarding.start(tx, new, stranger(request_info), names_existing=caller is not None)
    out = StartedOut(partner=PartnerBrief(**brief_of(made.integration)), onboarding_token=made.token)
    return Reply(out, "Your onboarding has begun. Keep the token: it is shown this once.")


@callers.route("POST", "/{id}/onboarding/token", "credentials:write", status=201, tags=TAGS)
async def renew(services: Services, caller: Member, id: UUID) -> Reply[StartedOut]:
    """A new token for the steps that are left, where the first was lost or is over; for the managing account."""
    async with services.transaction() as tx:
        renewed = await integration_onboarding.renew(tx, id, caller.actor)
    out = StartedOut(partner=PartnerBrief(**brief_of(renewed.integration)), onboarding_token=renewed.token)
    return Reply(out, "Keep the token: it is shown this once, and the one before is over.")


@integration.route("PUT", "/{id}/business-info", public=True, admit=admit_onboarding, tags=TAGS)
async def business_info(services: Services, id: UUID, body: BusinessIn, request_info: RequestInfo) -> StepDoneOut:
    """Who the company is; what is sent is laid over what is there.

    Example: {"businessInfo": {"companyName": "Acme Homes", "website": "https://acme.example", "industry": "Homes"}}
    """
    async with services.transaction() as tx:
        token = onboarding_token(request_info)
        await integration_onboarding.set_business(
            tx, id, token, body.business_info.stored(), stranger(request_info, id)
        )
    return await _step(services, id)


@integration.route("PUT", "/{id}/api-setup", public=True, admit=admit_onboarding, tags=TAGS)
async def api_setup(services: Services, id: UUID, body: ApiSetupIn, request_info: RequestInfo) -> StepDoneOut:
    """Where events go, and where people come back to.

    Example: {"webhookUrl": "https://acme.example/hooks", "callbackUrl": "https://acme.example/back"}
    """
    async with services.transaction() as tx:
        urls = body.model_dump(by_alias=False, exclude_unset=True)
        await integration_onboarding.set_api(tx, id, onboarding_token(request_info), urls, stranger(request_info, id))
    return await _step(services, id)


@integration.route("PUT", "/{id}/verification", public=True, admit=admit_onboarding, tags=TAGS)
async def verification(services: Services, id: UUID, body: VerificationIn, request_info: RequestInfo) -> StepDoneOut:
    """The documents that say who the company is.

    Example: {"documents": [{"type": "tax_id", "name": "Tax registration", "url": "https://acme.example/tax.pdf"}]}
    """
    linked = None if body.documents is None else [d.model_dump() for d in body.documents]
    async with services.transaction() as tx:
        await integration_onboarding.verify(tx, id, onboarding_token(request_info), linked, stranger(request_info, id))
    return await _step(services, id)


@integration.route("PUT", "/{id}/activate", public=True, tags=TAGS)
async def activate(services: Services, id: UUID, request_info: RequestInfo) -> Reply[ActivatedOut]:
    """The credentials, shown this once."""
    async with services.transaction() as tx:
        made = await integration_onboarding.activate(tx, id, onboarding_token(request_info), stranger(request_info, id))
    row = made.integration
    keys = IssuedCredentials(
        **credentials_of(row).model_dump(by_alias=False), api_key=made.api_key, client_secret=made.secret,
        webhook_secret=made.webhook_secret,
    )  # fmt: skip
    out = ActivatedOut(id=row.id, status=row.status, onboarding=onboarding_out(row), api_credentials=keys)
    when = {"active": "now", "pending": "once you are verified"}.get(row.status, "once you are active again")
    return Reply(out, f"Your credentials work {when}. Keep them: they are shown this once.")


async def _step(services: Services, id: UUID) -> StepDoneOut:
    async with services.read() as conn:
        row, documents = await integration_onboarding.shown(conn, id)
    return StepDoneOut(
        id=row.id, status=row.status, onboarding=onboarding_out(row), api_credentials=credentials_of(row),
        verification_documents=[document_out(row.id, d) for d in documents],
    )  # fmt: skip
