"""The demonstration's past: made in a draft of the database, so that whoever is interrupted meanwhile begins anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dispatch.cli.failure import Refused
from dispatch.cli.setup import note, services_for_tools
from storage.database.embedded import EmbeddedPostgres
from storage.database.errors import StorageError

if TYPE_CHECKING:
    from aiohttp import ClientSession

    from dispatch.config import Settings
    from dispatch.parties.integration_onboarding import Issued
    from dispatch.seeding.past import Pay
    from dispatch.seeding.seed import Seeded
    from dispatch.services import Services
    from dispatch.simulation.run import Past

#: Limits of what one customer does in an hour.
OF_A_PERSON = ("booking_creation_per_hour", "booking_moves_per_hour", "payment_per_hour")
#: In the gateway's folder: its payments are of a past that is being made.
ORPHANS = "orphans"


async def draft_of(settings: Settings, dsn: str) -> str | None:
    """Where a past is to be made; None where there is no room for one, or a draft cannot be had."""
    from dispatch.simulation.run import has_room_for_past
    from storage.database import draft

    async with services_for_tools(settings, dsn) as services:
        if not await has_room_for_past(services):
            return None
    try:
        made = await draft.begin(dsn, _admin_dsn(settings))
    except StorageError as e:
        note(f"they have no past: it is made in a second database, which cannot be had ({e})")
        return None
    if (gateway := gateway_folder(settings)).is_dir():
        (gateway / ORPHANS).touch()
    return made


async def finish(settings: Settings, dsn: str) -> None:
    """The past is the database's. Raises Refused."""
    from storage.database import draft

    (gateway_folder(settings) / ORPHANS).unlink(missing_ok=True)
    try:
        await draft.finish(dsn, _admin_dsn(settings))
    except StorageError as e:
        raise Refused(f"The past cannot take the database's place ({e}): let nobody else use it meanwhile.") from None


def _admin_dsn(settings: Settings) -> str | None:
    return None if settings.database_url else EmbeddedPostgres(settings.data).admin_dsn


def gateway_folder(settings: Settings) -> Path:
    return settings.data / "gateway"


def drop_orphans(gateway: Path) -> None:
    """To be done before the gateway starts: it forgets what was paid in a past that was never finished."""
    if (gateway / ORPHANS).exists():
        shutil.rmtree(gateway)


def patient(settings: Settings) -> Settings:
    """Weeks pass within a minute: what people may do in an hour of real time must not be counted."""
    return settings.model_copy(
        update={"limits": settings.limits.model_copy(update=dict.fromkeys(OF_A_PERSON, 10_000))}
    )


def past_of(services: Services, seed: int, keep: Callable[[Issued | None], None]) -> Past:
    """`keep` gets the seeded app's credentials, which are told once."""
    from aiohttp import ClientSession

    from dispatch.seeding import history
    from dispatch.seeding.seed import ADMIN_PASSWORD

    async def live(seeded: Seeded, until: datetime) -> None:
        note("they live through the last five weeks")
        async with ClientSession() as http:
            lived = await history.live_through(
                services, seeded, until=until, password=ADMIN_PASSWORD, seed=seed, pay=_payer(services, http)
            )
        keep(lived.issued)

    return live


def _payer(services: Services, http: ClientSession) -> Pay | None:
    """Pays at the local gateway's page; None with any other gateway."""
    payments, body = services.settings.payments, {"method": "upi", "outcome": "captured"}
    if urlsplit(payments.base_url).hostname not in ("127.0.0.1", "localhost", "::1"):
        return None

    async def pay(order_id: str) -> dict[str, Any]:
        async with http.post(f"{payments.base_url}/checkout/{order_id}/pay", json=body) as reply:
            reply.raise_for_status()
            return dict(await reply.json())

    return pay
