"""What a developer of the organisation needs to know: where, how, how much, and every endpoint there is."""

from __future__ import annotations

from api.audiences import Member, organisation
from api.wire.models import CamelView
from dispatch.services import Services
from dispatch.webhooks.events import EVENTS

SIGNATURE = (
    "Deliveries follow Standard Webhooks: the headers webhook-id, webhook-timestamp and webhook-signature; the "
    "signature is HMAC-SHA256 of 'id.timestamp.body' under the secret. Libraries: https://www.standardwebhooks.com."
)


class AuthenticationOut(CamelView):
    """How people and systems sign in."""

    people: str
    systems: str
    organization: str


class LimitOut(CamelView):
    type: str
    requests: int
    window: str


class EndpointOut(CamelView):
    """`permission` is what a key needs."""

    method: str
    path: str
    permission: str
    summary: str


class WebhooksOut(CamelView):
    events: list[str]
    signature: str


class DocumentationOut(CamelView):
    base_url: str
    reference: str
    openapi: str
    authentication: AuthenticationOut
    rate_limits: list[LimitOut]
    webhooks: WebhooksOut
    endpoints: list[EndpointOut]


class DocsOut(CamelView):
    documentation: DocumentationOut


@organisation.route("GET", "/integration/docs", permission="support:read", tags=["integration"])
async def get(services: Services, caller: Member) -> DocsOut:
    """How our own systems use this interface."""
    base = services.settings.http.public_url.rstrip("/")
    return DocsOut(documentation=DocumentationOut(
        base_url=f"{base}/api", reference=f"{base}/docs", openapi=f"{base}/openapi.json",
        authentication=AuthenticationOut(
            people="Authorization: Bearer <token> of POST /api/partners/auth/login",
            systems="X-API-Key: pk_live_... and X-API-Secret: sk_live_... of POST /api/partners/integration/api-keys",
            organization="X-Organization-ID: the id of the organization; may be left out",
        ),
        rate_limits=[
            LimitOut(type="Organization Management", requests=100, window="15 minutes"),
            LimitOut(type="Bulk Operations", requests=10, window="15 minutes"),
            LimitOut(type="Analytics", requests=50, window="15 minutes"),
            LimitOut(type="General API", requests=200, window="15 minutes"),
            LimitOut(type="File Uploads", requests=20, window="1 hour"),
        ],
        webhooks=WebhooksOut(events=list(EVENTS["organisation"]), signature=SIGNATURE),
        endpoints=[
            EndpointOut(
                method=r.method, path=r.path, permission=r.permission or "", summary=r.description.split("\n")[0]
            )
            for r in organisation.routes
            if not r.is_public
        ],
    ))  # fmt: skip
