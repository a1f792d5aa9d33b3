"""A server with organisations on it, shared by the tests of a module."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient, TestServer

from api.app import create_app
from dispatch.adapters.files.folder import FolderStore
from dispatch.billing import bulk_visits
from dispatch.billing.invoices import last_period
from dispatch.engine import assigning, catalogue, jobs
from dispatch.engine.catalogue import ServiceIn
from dispatch.engine.tasks import Run
from dispatch.events import Actor
from dispatch.localtime import local
from dispatch.parties import budgets
from dispatch.services import Services
from storage.database.pool import create_pool
from tests.conftest import clone
from tests.identity import make_services
from tests.organisations import Home, add_organisation
from tests.parties import add_account, add_membership
from tests.world import World, make_world

PLENTY = {
    "organisation_per_minute": 10**6, "customer_per_minute": 10**6,
    **{f"organisation_{name}_per_quarter": 10**6 for name in ("general", "management", "bulk", "analytics")},
    "organisation_uploads_per_hour": 10**6,
}  # fmt: skip


@dataclass
class Portal:
    """The organisation portal over HTTP; `home` is an organisation whose owner sends what names nobody else."""

    services: Services
    client: TestClient[Any, Any]
    home: Home

    async def call(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, expect: int = 200,
        data: FormData | None = None,
    ) -> Any:  # fmt: skip
        """One request under /api/partners; fails with the answer when the status is another."""
        sent = self.home.headers() if headers is None else headers
        kept = {"data": data} if data is not None else {"json": body}
        async with self.client.request(method, f"/api/partners{path}", headers=sent, **kept) as reply:
            answer = await reply.json() if reply.content_type == "application/json" else await reply.read()
            assert reply.status == expect, (reply.status, answer)
            return answer


@pytest.fixture(scope="module")
async def portal(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Portal]:
    folder: Path = tmp_path_factory.mktemp("portal")
    pool = await create_pool(await clone(pg_home), min_size=1, max_size=8)
    services = make_services(pool, folder, limits=PLENTY)
    services.files = FolderStore(folder / "files")
    async with TestClient(TestServer(create_app(services, with_sockets=False))) as client:
        yield Portal(services, client, await add_organisation(services))
    await services.bus.close()
    await pool.close()


PLACE = {"street": "12 Lake Road", "city": "Kolkata", "lat": 22.5726, "lng": 88.3639}


@dataclass
class Office(Portal):
    """A portal on a small world whose clock stands still, with a cleaning at 600 rupees."""

    world: World
    cleaning: UUID

    def wish(self, *, floors: int = 2, schedule: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """The worked example of the contract, in a city that is served."""
        return {
            "bookingType": "recurring", "service": {"serviceId": str(self.cleaning), "title": "Office Cleaning"},
            "schedule": {
                "type": "recurring", "frequency": "weekly", "days": ["monday", "wednesday", "friday"],
                "time": "18:00", "startDate": "2026-01-15", "endDate": "2026-12-31", **(schedule or {}),
            },
            "locations": [
                {"name": f"Floor {n}", "address": PLACE, "contactPerson": {"name": "M", "phone": "+911234567890"}}
                for n in range(floors)
            ],
            **more,
        }  # fmt: skip

    async def book(self, home: Home, who: UUID | None = None, *, expect: int = 201, **wish: Any) -> Any:
        answer = await self.call("POST", "/bookings/bulk", self.wish(**wish), headers=home.headers(who), expect=expect)
        return answer["data"]["bulkBooking"] if expect == 201 else answer

    async def make_visits(self) -> dict[str, int]:
        """What the task does at its turn."""

        async def progress(*said: Any) -> None:
            return None

        run = cast(Run, SimpleNamespace(services=self.services, progress=progress))
        return await bulk_visits.book_due(run)

    async def standing(self, home: Home, department: UUID | None, month: date) -> tuple[int, int]:
        async with self.services.read() as conn:
            found = (await budgets.standing(conn, home.id, month))[department]
        return found.reserved_minor, found.spent_minor


ONE_WEEK = {"days": ["tuesday"], "startDate": "2026-01-13", "endDate": "2026-01-13"}


@pytest.fixture(scope="module")
async def office(pg_home: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    folder: Path = tmp_path_factory.mktemp("office")
    pool = await create_pool(await clone(pg_home), min_size=1, max_size=16)
    world = await make_world(pool, folder, limits=PLENTY)
    services: Services = world.services
    async with services.transaction() as tx:
        cleaning = await catalogue.upsert_service(
            tx, ServiceIn("Cleaning", "cleaning", "Cleaning", "Minimal", {"INR": (60_000, None)})
        )
    await world.technician(categories=("cleaning",))
    async with TestClient(TestServer(create_app(services, with_sockets=False))) as client:
        yield Office(services, client, await add_organisation(services), world, cleaning)
    await services.bus.close()
    await pool.close()


async def taken(office: Office, booking_id: UUID, technician_id: UUID) -> None:
    """Assigned by staff and accepted."""
    async with office.services.transaction() as tx:
        await assigning.assign_to(tx, booking_id, technician_id, Actor("admin", "a test"), force=True)
    if (await office.world.booking(booking_id)).status == "partner_assigned":
        await office.world.accept(booking_id, technician_id)


async def do_job(office: Office, booking_id: UUID, technician_id: UUID) -> None:
    """Assigned by staff, driven to, done."""
    await taken(office, booking_id, technician_id)
    booking = await office.world.booking(booking_id)
    await office.world.advance(seconds=(booking.starts_at - office.world.now).total_seconds())
    for step in ("in_transit", "arrived", "in_progress"):
        async with office.services.transaction() as tx:
            await jobs.advance(tx, booking_id, technician_id, step)
    await office.world.advance(minutes=60)
    async with office.services.transaction() as tx:
        await jobs.complete(tx, booking_id, technician_id)


def today(portal: Portal) -> date:
    """In Kolkata."""
    return local(portal.services.clock.now(), "Asia/Kolkata").date()


async def staff(portal: Portal) -> UUID:
    """Somebody of the support desk."""
    account_id = await add_account(portal.services, f"sarah{uuid4().hex[:6]}@staff.example")
    await add_membership(portal.services, account_id, "admin", "support")
    return account_id


@pytest.fixture(scope="module")
async def firm(portal: Portal) -> Home:
    """Two departments with budgets; three visits done last month, two this month."""
    home = await add_organisation(portal.services)
    one = await home.department("Engineering", budget_minor=25000_00)
    two = await home.department("Sales")
    member = await home.member(department_id=one.id)
    before = last_period(today(portal), "monthly")
    for n in range(3):
        await home.done(before.start + timedelta(days=n), department_id=one.id, member_id=member, rating=5)
    await home.done(today(portal), department_id=one.id, member_id=member, rating=4)
    await home.done(today(portal), department_id=two.id, name="Deep Cleaning", price_minor=100000)
    return home
