"""The terms of trade partners: whoever changed when money is due is known."""

from __future__ import annotations

from dispatch.parties import partner_terms, trade_partners
from dispatch.parties.trade_partners import Form
from dispatch.services import Services
from tests.trade import CLERK, add_partner


async def test_who_changed_a_partners_terms_is_written_down(services: Services) -> None:
    partner = await add_partner(services, payment_term_id=1)
    async with services.transaction() as tx:
        await trade_partners.lock(tx, partner.no)
        await partner_terms.attach(tx, CLERK, partner.no, 2, is_default=False)
        await partner_terms.set_default(tx, CLERK, partner.no, 2)
        # It is the default already.
        await partner_terms.set_default(tx, CLERK, partner.no, 2)
        await partner_terms.detach(tx, CLERK, partner.no, 1)
        await trade_partners.change(tx, CLERK, partner.no, Form({}, {}, payment_term_id=3), may_credit=False)
    async with services.read() as conn:
        written = await conn.fetch(
            "SELECT action, changes FROM audit_log WHERE resource_id = $1 AND action LIKE '%payment_term' ORDER BY id",
            str(partner.no),
        )
    assert [(row["action"], row["changes"]) for row in written] == [
        ("set_payment_term", {"payment_term_id": {"old": None, "new": 1}}),
        ("add_payment_term", {"payment_term_id": 2}),
        ("set_payment_term", {"payment_term_id": {"old": 1, "new": 2}}),
        ("remove_payment_term", {"payment_term_id": 1}),
        ("set_payment_term", {"payment_term_id": {"old": 2, "new": 3}}),
    ]
