"""An organisation for the demonstration: verified, with its owner."""

from __future__ import annotations

from dispatch.access import passwords
from dispatch.events import SYSTEM, Actor
from dispatch.parties import organisation_desk, organisations
from dispatch.parties.members import By
from dispatch.parties.organisations import Registration
from dispatch.services import Services
from storage import accounts as account_rows
from storage.database.listing import Wanted

OWNER_EMAIL = "organisation@example.com"


async def seed_organisation(services: Services, password: str) -> By | None:
    """Its owner, acting; None where there is an organisation already: nothing is done then."""
    async with services.read() as conn:
        if (await organisation_desk.page(conn, Wanted(limit=1))).rows:
            return None
    password_hash = await passwords.hashed(password)
    new = Registration(
        "business", "Riverside Offices", "Meera", "Sen", OWNER_EMAIL, None,
        legal_name="Riverside Offices Private Limited", registration_no="U70100WB2019PTC230001", industry="Property",
        currency=services.settings.currency, address={"city": "Kolkata", "country": "India"},
    )  # fmt: skip
    async with services.transaction() as tx:
        made = await organisations.register(tx, new)
        await organisation_desk.set_status(tx, made.organisation.id, "active", "The demonstration's", SYSTEM)
        owner = await account_rows.by_email(tx.conn, email=OWNER_EMAIL)
        assert owner is not None, "it was registered with this address"
        await passwords.set_password(tx, owner.id, password_hash, proves_email=True)
    owner_actor = Actor(organisations.REALM, str(made.member_id))
    return By(made.organisation.id, owner_actor, organisations.OWNER, member_id=made.member_id)
