"""The kinds of callers, one row each: where they knock, how they sign in, how they are spoken to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from api.auth import guests, organisation_limits, principals
from api.auth.principals import Admin as Admin
from api.auth.principals import Customer as Customer
from api.auth.principals import Member as Member
from api.auth.principals import Service as Service
from api.auth.principals import TeamMember as TeamMember
from api.auth.principals import Technician as Technician
from api.edge.limits import QUARTER_S, RateLimit
from api.route import Audience
from api.wire.dialects import ERP, INTEGRATION, MINUTESERV, ORGANISATION, PROVIDER, PROVIDER_MAJOR, Dialect
from dispatch.access.permissions import RESOURCES

#: Of /api/partners the integration has the bare path, ids, /slug, /manage, exactly /auth and exactly /onboarding/start;
#: the rest is the organisation's, also where there is nothing.
INTEGRATION_PATHS = re.compile(
    r"/api/partners/?(?:$|(?:auth|onboarding/start)/?$|(?:slug|manage)(?:/|$)"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}(?:/|$))"
)

technician = Audience(
    name="technician", prefix="/v1/partner", principal=Technician, authenticate=principals.technician,
    dialect=MINUTESERV, limit=RateLimit("technician_per_minute", 60, "caller"), drops_unknown_keys=False,
    page_limit=20, title="Technicians",
)  # fmt: skip
admin = Audience(
    name="admin", prefix="/v1/admin", principal=Admin, authenticate=principals.admin,
    dialect=MINUTESERV, limit=RateLimit("admin_per_minute", 60, "caller"), drops_unknown_keys=False,
    page_limit=20, title="Back office", permits=principals.permits, resources=RESOURCES["admin"],
)  # fmt: skip
internal = Audience(
    name="internal", prefix="/v1/internal", principal=Service, authenticate=principals.service,
    dialect=MINUTESERV, limit=RateLimit("internal_per_minute", 60, "caller"), drops_unknown_keys=False,
    page_limit=20, title="Internal services",
)  # fmt: skip
customer = Audience(
    name="customer", prefix="/v1", principal=Customer, authenticate=principals.customer,
    dialect=MINUTESERV, limit=RateLimit("customer_per_minute", 60, "address"), drops_unknown_keys=True,
    page_limit=10, title="Customers", meter=guests.meter, guests=guests.Guests(),
)  # fmt: skip

#: Whoever signs in with a password, in whatever realm: the answers are the provider's.
account = Audience(
    name="account", prefix="/api/auth", principal=Member, authenticate=principals.anybody,
    dialect=PROVIDER, limit=RateLimit("account_per_minute", 60, "address"), drops_unknown_keys=True,
    page_limit=20, title="Accounts", permits=principals.permits, resources=frozenset(),
)  # fmt: skip
#: An integration and an organisation share /api/partners: the whole path says whose it is (INTEGRATION_PATHS).
integration = Audience(
    name="integration", prefix="/api/partners", principal=Member, authenticate=principals.integration,
    dialect=INTEGRATION, limit=RateLimit("integration_staff_per_quarter", QUARTER_S, "caller"),
    drops_unknown_keys=True, page_limit=20, title="Integrations", permits=principals.permits,
    resources=frozenset({"integrations"}), owns=INTEGRATION_PATHS,
    stranger_limit=RateLimit("integration_public_per_quarter", QUARTER_S, "address"), meter=guests.meter,
    key_pair=("x-client-id", "x-client-secret"),
)  # fmt: skip
organisation = Audience(
    name="organisation", prefix="/api/partners", principal=Member, authenticate=principals.organisation,
    dialect=ORGANISATION, limit=RateLimit("organisation_per_minute", 60, "caller"), drops_unknown_keys=True,
    page_limit=20, title="Organisations", permits=principals.permits, resources=RESOURCES["organisation"],
    meter=organisation_limits.meter, key_pair=("X-API-Key", "X-API-Secret"),
)  # fmt: skip

erp = Audience(
    name="erp", prefix="/api/backend", principal=Member, authenticate=principals.erp,
    dialect=ERP, limit=RateLimit("erp_per_minute", 60, "caller"), drops_unknown_keys=True,
    page_limit=20, title="ERP: trade partners", permits=principals.permits, resources=RESOURCES["erp"],
)  # fmt: skip


def _as_it_counts(caller: TeamMember) -> Dialect:
    """A provider chooses in which units its amounts are written; nothing else depends on it."""
    return PROVIDER_MAJOR if caller.provider.money_units == "major" else PROVIDER


provider = Audience(
    name="provider", prefix="/api/providers", principal=TeamMember, authenticate=principals.provider,
    dialect=PROVIDER, limit=RateLimit("provider_per_minute", 60, "caller"), drops_unknown_keys=True,
    page_limit=10, title="Providers", permits=principals.permits, resources=RESOURCES["provider"],
    dialect_of=_as_it_counts,
)  # fmt: skip
#: The platform's own people, in the area for them of the providers' front end.
provider_desk = Audience(
    name="provider_desk", prefix="/api/provider-applications", more_prefixes=("/api/payout-requests",),
    principal=Admin, authenticate=principals.admin, dialect=PROVIDER,
    limit=RateLimit("admin_per_minute", 60, "caller"), drops_unknown_keys=True, page_limit=20,
    title="Providers' desk", permits=principals.permits, resources=RESOURCES["admin"],
)  # fmt: skip

#: In this order paths are assigned to audiences; whatever nobody owns is answered by the last one.
AUDIENCES: tuple[Audience, ...] = (
    technician, admin, internal, account, provider, provider_desk, integration, organisation, erp, customer,
)  # fmt: skip


def audience_of(path: str, audiences: Sequence[Audience] = AUDIENCES) -> Audience:
    """Whose dialect a path is answered in, also when there is nothing at it."""
    return next((a for a in audiences if a.owns_path(path)), audiences[-1])
