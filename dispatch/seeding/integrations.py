"""An app of others for the demonstration: onboarded and active, with its owner."""

from __future__ import annotations

from dispatch.access import passwords
from dispatch.events import SYSTEM
from dispatch.parties import integration_onboarding as onboarding
from dispatch.parties import integrations
from dispatch.parties.integration_onboarding import Issued
from dispatch.parties.integrations import NewIntegration
from dispatch.services import Services
from storage import accounts as account_rows
from storage.database.listing import Wanted

OWNER_EMAIL = "app@example.com"
_PAPERS = {"type": "business_registration", "name": "Licence", "url": "https://homes.example.com/licence.pdf"}


async def seed_integration(services: Services, password: str) -> Issued | None:
    """Its credentials, whose secret is told this once; None where there is an app already: nothing is done then."""
    async with services.read() as conn:
        if (await integrations.page(conn, Wanted(limit=1))).rows:
            return None
    password_hash = await passwords.hashed(password)
    business = {"companyName": "Homely", "website": "https://homes.example.com", "description": "An app for homes"}
    async with services.transaction() as tx:
        new = NewIntegration("Homely", OWNER_EMAIL, "+911000200001")
        begun = await onboarding.start(tx, new, SYSTEM)
        id = begun.integration.id
        await onboarding.set_business(tx, id, begun.token, business, SYSTEM)
        await onboarding.set_api(tx, id, begun.token, {}, SYSTEM)
        await onboarding.verify(tx, id, begun.token, [_PAPERS], SYSTEM)
        issued = await onboarding.activate(tx, id, begun.token, SYSTEM)
        if issued.integration.status != "active":
            await integrations.set_status(tx, id, "active", SYSTEM)
        owner = await account_rows.by_email(tx.conn, email=OWNER_EMAIL)
        assert owner is not None, "it was made with this address"
        await passwords.set_password(tx, owner.id, password_hash, proves_email=True)
    return issued
