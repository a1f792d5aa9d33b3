"""An office for the demonstration: one of the ERP's staff, and a trade partner on whose account a customer books."""

from __future__ import annotations

from dispatch.events import SYSTEM
from dispatch.parties import erp_customers, erp_team, trade_partners
from dispatch.parties.trade_partners import Form
from dispatch.services import Services
from storage.trade_partners import TradePartner

ERP_EMAIL = "erp@example.com"
#: The first partner's, in minor units.
CREDIT_MINOR = 10_000_000


async def seed_erp(services: Services, password: str, customer_phone: str) -> TradePartner | None:
    """The trade partner; None where the ERP has staff already: nothing is done then."""
    async with services.read() as conn:
        if await erp_team.page(conn):
            return None
    await erp_team.create(services, SYSTEM, ERP_EMAIL, "Administrator", "admin", password)
    async with services.transaction() as tx:
        customer = await erp_customers.link(tx, SYSTEM, customer_phone)
        columns = {
            "name": "Acme Corp", "customer_no": customer.no, "credit_limit_minor": CREDIT_MINOR, "city": "Casablanca",
            "country": "Morocco", "email": "contact@acme.example",
        }  # fmt: skip
        return await trade_partners.create(tx, SYSTEM, Form(columns, {}, payment_term_id=1), may_credit=True)
