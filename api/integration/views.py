"""How integrations look on the wire, whoever asks."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, EmailStr, Field, StringConstraints

from api.wire.models import CamelBody, CamelView
from dispatch.parties import integration_onboarding
from storage.integrations import Document, Integration, Note

Status = Literal["pending", "active", "suspended", "inactive", "rejected"]
PartnerType = Literal["technology", "business", "marketplace", "enterprise"]
DocumentType = Literal["business_registration", "tax_id", "contract", "other"]

_SCRIPT = re.compile(
    r"<\s*script\b[^>]*>.*?(?:<\s*/\s*script\s*>|\Z)|<(?:\s*/)?\s*[a-z!][^>]*>", re.IGNORECASE | re.DOTALL
)
#: Twice what the longest of these texts may be. What is longer is refused for its length: looking for tags costs the
#: square of it.
_MOST = 1_000


def without_tags(value: Any) -> Any:
    """What would run in a page that shows it is taken out, again and again until nothing of it is left."""
    if not isinstance(value, str) or len(value) > _MOST:
        return value
    while (plain := _SCRIPT.sub("", value)) != value:
        value = plain
    return value


def _https(value: str) -> str:
    if not re.match(r"https?://[^\s/]+\.[^\s]+\Z", value):
        raise ValueError("must be an address such as https://example.com")
    return value


def _phone(value: str) -> str:
    if not re.fullmatch(r"\+?[1-9][0-9]{1,14}", value):
        raise ValueError("must be a phone number with its country code, such as +911234567890")
    return value


Name = Annotated[
    str, BeforeValidator(without_tags), StringConstraints(strip_whitespace=True, min_length=2, max_length=100)
]
PhoneNumber = Annotated[str, StringConstraints(strip_whitespace=True, max_length=16), AfterValidator(_phone)]
Website = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500), AfterValidator(_https)]
WebAddress = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000), AfterValidator(_https)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]


class Coordinates(CamelBody):
    lat: Annotated[float, Field(ge=-90, le=90)]
    lng: Annotated[float, Field(ge=-180, le=180)]


class AddressIn(CamelBody):
    street: Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)] | None = None
    city: Short | None = None
    state: Short | None = None
    zip_code: Annotated[str, StringConstraints(strip_whitespace=True, max_length=20)] | None = None
    country: Short | None = None
    coordinates: Coordinates | None = None


class BusinessInfoIn(CamelBody):
    """What is left out stays; a null address clears it."""

    keeps_null = frozenset({"address"})

    company_name: Name | None = None
    website: Website | None = None
    industry: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=50)] | None = None
    description: (
        Annotated[str, BeforeValidator(without_tags), StringConstraints(strip_whitespace=True, max_length=500)] | None
    ) = None
    address: AddressIn | None = None

    def stored(self) -> dict[str, Any]:
        """As it is kept: in the words of the wire, and only what was said."""
        return self.model_dump(by_alias=True, exclude_unset=True)


class StartIn(CamelBody):
    name: Name
    email: EmailStr
    phone_number: PhoneNumber
    partner_type: PartnerType = "technology"


class PlaceOut(CamelView):
    lat: float
    lng: float


class AddressOut(CamelView):
    street: str | None = None
    city: str | None = None
    state: str | None = None
    zip_code: str | None = None
    country: str | None = None
    coordinates: PlaceOut | None = None


class BusinessInfoOut(CamelView):
    company_name: str | None = None
    website: str | None = None
    industry: str | None = None
    description: str | None = None
    address: AddressOut | None = None


class StepOut(CamelView):
    step: str
    completed: bool
    completed_at: str | None


class OnboardingOut(CamelView):
    completed: bool
    current_step: str
    progress: int
    steps: list[StepOut]


class PartnerBrief(CamelView):
    id: UUID
    name: str
    email: str | None
    phone_number: str | None
    slug: str
    partner_type: str
    status: str
    onboarding: OnboardingOut


class CredentialsOut(CamelView):
    """What may be shown again and again: never a secret."""

    client_id: str | None
    webhook_url: str | None
    callback_url: str | None


class LimitsOut(CamelView):
    """Calls in a month, and within a minute."""

    monthly_limit: int
    burst_limit: int


class DocumentOut(CamelView):
    id: UUID
    type: str
    name: str
    url: str
    created_at: datetime


class NoteOut(CamelView):
    id: UUID
    content: str
    added_by: UUID | None
    author: str | None
    created_at: datetime


class PartnerOut(PartnerBrief):
    business_info: BusinessInfoOut
    api_credentials: CredentialsOut
    api_limits: LimitsOut
    tags: list[str]
    is_billed: bool
    last_request_at: datetime | None
    activated_at: datetime | None
    created_at: datetime
    updated_at: datetime


class PartnerDetail(PartnerOut):
    """`notes` are the house's own: its staff see them, others an empty list."""

    verification_documents: list[DocumentOut]
    notes: list[NoteOut]


def onboarding_out(row: Integration) -> OnboardingOut:
    done = integration_onboarding.progress(row)
    return OnboardingOut(
        completed=done.is_complete, current_step=done.current_step, progress=done.percent,
        steps=[
            StepOut(step=step, completed=step in row.steps, completed_at=row.steps.get(step))
            for step in integration_onboarding.STEPS
        ],
    )  # fmt: skip


def brief_of(row: Integration) -> dict[str, Any]:
    return {
        "id": row.id, "name": row.name, "email": row.email, "phone_number": row.phone, "slug": row.slug,
        "partner_type": row.partner_type, "status": row.status, "onboarding": onboarding_out(row),
    }  # fmt: skip


def credentials_of(row: Integration) -> CredentialsOut:
    return CredentialsOut(client_id=row.client_id, webhook_url=row.webhook_url, callback_url=row.callback_url)


def partner_of(row: Integration) -> dict[str, Any]:
    return {
        **brief_of(row), "business_info": BusinessInfoOut.model_validate(row.business_info),
        "api_credentials": credentials_of(row),
        "api_limits": LimitsOut(monthly_limit=row.monthly_limit, burst_limit=row.burst_limit), "tags": row.tags,
        "is_billed": row.is_billed, "last_request_at": row.last_request_at, "activated_at": row.activated_at,
        "created_at": row.created_at, "updated_at": row.updated_at,
    }  # fmt: skip


def document_out(integration_id: UUID, row: Document) -> DocumentOut:
    """An uploaded one is fetched from here, by whoever may see the partner."""
    here = f"/api/partners/{integration_id}/documents/{row.id}"
    return DocumentOut(id=row.id, type=row.type, name=row.name, url=row.url or here, created_at=row.created_at)


def note_out(row: Note) -> NoteOut:
    return NoteOut(id=row.id, content=row.content, added_by=row.added_by, author=row.author, created_at=row.created_at)
