"""The demonstration's office is made once: somebody who signs in, and a partner of the first customer."""

from __future__ import annotations

from dispatch.access import signing
from dispatch.seeding.erp import ERP_EMAIL, seed_erp
from dispatch.seeding.seed import CUSTOMER_PHONE
from storage import trade_orders
from storage.database.pool import Pool
from tests.city import city

PASSWORD = "dispatch demo"


async def test_once_and_ready(fresh_pool: Pool) -> None:
    async with city(fresh_pool, technicians=1) as town:
        for _ in range(2):
            await seed_erp(town.services, PASSWORD, CUSTOMER_PHONE.format(1))
        assert await town.value("SELECT count(*) FROM trade_partners") == 1
        signed_in = await signing.sign_in(town.services, ERP_EMAIL, PASSWORD)
        assert (signed_in.tie.realm, signed_in.tie.role) == ("erp", "admin")
        account_id = town.seeded.customer_ids[0]
        async with town.services.read() as conn:
            terms = await trade_orders.terms_of_booker(conn, account_id=account_id, organisation_id=None)
        assert terms is not None and terms.name == "Acme Corp"
