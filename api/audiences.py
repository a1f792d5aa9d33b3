"""The kinds of callers, one row each: where they knock, how they sign in, how they are spoken to."""

from __future__ import annotations

from collections.abc import Sequence

from api.auth import principals
from api.auth.principals import Admin as Admin
from api.auth.principals import Customer as Customer
from api.auth.principals import Service as Service
from api.auth.principals import Technician as Technician
from api.edge.limits import RateLimit
from api.route import Audience
from api.wire.dialects import MINUTESERV

technician = Audience(
    name="technician", prefix="/v1/partner", principal=Technician, authenticate=principals.technician,
    dialect=MINUTESERV, limit=RateLimit("technician_per_minute", 60, "caller"), drops_unknown_keys=False,
    page_limit=20, title="Technicians",
)  # fmt: skip
admin = Audience(
    name="admin", prefix="/v1/admin", principal=Admin, authenticate=principals.admin,
    dialect=MINUTESERV, limit=RateLimit("admin_per_minute", 60, "caller"), drops_unknown_keys=False,
    page_limit=20, title="Back office",
)  # fmt: skip
internal = Audience(
    name="internal", prefix="/v1/internal", principal=Service, authenticate=principals.service,
    dialect=MINUTESERV, limit=RateLimit("internal_per_minute", 60, "caller"), drops_unknown_keys=False,
    page_limit=20, title="Internal services",
)  # fmt: skip
customer = Audience(
    name="customer", prefix="/v1", principal=Customer, authenticate=principals.customer,
    dialect=MINUTESERV, limit=RateLimit("customer_per_minute", 60, "address"), drops_unknown_keys=True,
    page_limit=10, title="Customers",
)  # fmt: skip

#: In this order paths are assigned to audiences; whatever nobody owns is answered by the last one.
AUDIENCES: tuple[Audience, ...] = (technician, admin, internal, customer)


def audience_of(path: str, audiences: Sequence[Audience] = AUDIENCES) -> Audience:
    """Whose dialect a path is answered in, also when there is nothing at it."""
    return next((a for a in audiences if a.owns_path(path)), audiences[-1])
