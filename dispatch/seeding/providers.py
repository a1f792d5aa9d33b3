"""A provider for the demonstration: its owner, three plans, two customers, and technicians who work for it."""

from __future__ import annotations

from dispatch.access import passwords
from dispatch.billing import platform_plans, provider_manual, provider_plans
from dispatch.events import SYSTEM
from dispatch.parties import provider_customers, providers
from dispatch.parties.providers import NewProvider
from dispatch.services import Services
from storage import provider_team as team_rows
from storage import providers as rows
from storage.database.listing import Wanted
from storage.providers import Provider

OWNER_EMAIL = "provider@example.com"
#: Name, type, price in minor units, days.
PLANS = (("Basic", "standard", 50_000, 30), ("Gold", "premium", 150_000, 30), ("Family", "premium", 1_200_000, 365))
#: What it can pay the platform for: name, price of a month and of a year in minor units, what is in it.
PLATFORM_PLANS = (
    ("Professional", 149_900, 1_499_000, "Up to 20 people"), ("Business", 499_900, 4_999_000, "Everybody"),
)  # fmt: skip
#: Those of the seeded technicians who work for it; the first ones work for themselves and have earnings to look at.
TECHNICIANS = ("PT-004", "PT-005", "PT-006")


async def seed_provider(services: Services, password: str) -> Provider | None:
    """None where there is a provider already: nothing is done then."""
    async with services.read() as conn:
        if (await providers.page(conn, Wanted(limit=1))).rows:
            return None
    password_hash = await passwords.hashed(password)
    settings = services.settings
    async with services.transaction() as tx:
        new = NewProvider(
            "Asha Clinic", "Asha Bello", OWNER_EMAIL, facility_type="Clinic", services=("Facial", "Massage"),
            address={"city": "Kolkata", "country": "IN"}, currency=settings.currency, timezone=settings.timezone,
        )  # fmt: skip
        made = await providers.create(tx, new, inviter=settings.brand)
        owner = (await team_rows.of_provider.page(tx.conn, Wanted(), provider_id=made.id)).rows[0]
        await passwords.set_password(tx, owner.account_id, password_hash, proves_email=True)
        await team_rows.join(tx.conn, id=owner.id)
        await rows.enlist(tx.conn, id=made.id, codes=list(TECHNICIANS))
        for name, kind, price, days in PLANS:
            await provider_plans.create(
                tx, made.id, name=name, type=kind, amount_minor=price, currency=made.currency, duration_days=days,
                features=(f"{days} days",),
            )  # fmt: skip
        for name, monthly, yearly, feature in PLATFORM_PLANS:
            await platform_plans.create(
                tx, SYSTEM, name=name, currency=made.currency, monthly_minor=monthly, yearly_minor=yearly,
                features=(feature,),
            )  # fmt: skip
        for name, email in (("John Doe", "john@example.com"), ("Jane Roe", "jane@example.com")):
            customer = await provider_customers.of_address(
                tx, made.id, source="manual", name=name, email=email, phone=None
            )
            await provider_manual.record(
                tx, made.id, amount_minor=150_000, currency=made.currency, method="cash", received_on=tx.now.date(),
                customer=customer, description="A visit", note=None,
            )  # fmt: skip
    return made
