"""People as their apps behave: a customer who books, a technician who works.

A run makes its own, with numbers that nobody had before: what another run left of its people (codes that were sent,
positions, offers, bookings) is nothing to it. Seeded ones are there to be looked at.
"""

from __future__ import annotations

import itertools
import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from dispatch.seeding.seed import ADMIN_EMAIL
from tests.trials.callers import Reply, Trial, until

#: How many seeded customers there are at least, by number.
HOMES = 6
_homes = itertools.cycle(range(1, HOMES + 1))
#: Of a customer, before a visit has begun.
OPEN = ("pending", "partner_assigned", "confirmed")


def fresh_phone() -> str:
    """A number that nobody has: seeded ones begin with +911000."""
    return f"+911{secrets.randbelow(900_000_000) + 100_000_000}"


def day(days: int) -> str:
    """The date so many days from now."""
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


@dataclass
class Customer:
    """Signed in; `address` is the default one."""

    trial: Trial
    token: str
    phone: str

    @classmethod
    async def new(cls, trial: Trial) -> Customer:
        """Somebody who lives where one of the seeded customers does."""
        phone = fresh_phone()
        made = cls(trial, await trial.token("customer", phone), phone)
        await made.ok("PATCH", "/v1/users/profile", {"name": "Bina Roy", "email": f"{phone[1:]}@example.com"})
        await made.moves_in()
        return made

    @classmethod
    async def of(cls, trial: Trial, number: int) -> Customer:
        """A seeded one."""
        phone = f"+9110001{number:05d}"
        return cls(trial, await trial.token("customer", phone), phone)

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        return await self.trial.call(method, path, body, token=self.token, **headers)

    async def ok(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return await self.trial.ok(method, path, body, token=self.token, **headers)

    async def moves_in(self) -> None:
        """To a seeded customer's address, each to the next one's: of those who live at one door the same few
        technicians would be offered everything, and have no room for more."""
        self.trial.customers.append(self.token)
        where = await (await Customer.of(self.trial, next(_homes))).address()
        kept = ("address_line1", "city", "state", "pincode", "lat", "lng")
        await self.ok("POST", "/v1/users/addresses", {"name": "Home", **{key: where[key] for key in kept}})

    async def address(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ok("GET", "/v1/users/addresses"))[0]
        return found

    async def services(self, query: str = "category=Facial&tier=Minimal") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.ok("GET", f"/v1/services/catalog?{query}"))["all_services"]
        return found

    async def cart(self, days: int = 2, **more: Any) -> dict[str, Any]:
        """The body of a prepare: one service at the default address, so many days from now."""
        service, address = (await self.services())[0], await self.address()
        return {
            "service_ids": [service["id"]], "address_id": address["id"],
            "booking_date": day(days), **more,
        }  # fmt: skip

    async def prepared(self, days: int = 2, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The cart and the answer to its prepare."""
        cart = await self.cart(days, **more)
        return cart, await self.ok("POST", "/v1/checkout/prepare", cart)

    async def confirmation(self, days: int = 2, **more: Any) -> dict[str, Any]:
        """The body of a confirm for a free time."""
        cart, preview = await self.prepared(days)
        return {
            "preview_id": preview["preview_id"], "payment_method": "cash", "address_id": cart["address_id"],
            "booking_date": cart["booking_date"], "booking_time": preview["available_time_slots"][0],
            "customer_name": "Asha Sen", "customer_phone": self.phone, "cancellation_policy_accepted": True, **more,
        }  # fmt: skip

    async def booking(self, days: int = 2) -> dict[str, Any]:
        """A confirmed cash booking."""
        answer = await self.ok("POST", "/v1/checkout/confirm", await self.confirmation(days))
        found: dict[str, Any] = answer["booking"]
        return found


@dataclass
class Technician:
    """Signed in."""

    trial: Trial
    token: str

    @classmethod
    async def new(cls, trial: Trial) -> Technician:
        """Somebody who was verified, and does what no trial books."""
        staff = await trial.token("admin", ADMIN_EMAIL)
        body = {
            "name": "Priya Sharma", "phone_number": fresh_phone(), "service_categories": ["Repairs"],
            "service_tiers": ["Minimal"],
            "working_hours": {"start": "08:00", "end": "20:00", "days": [1, 2, 3, 4, 5, 6, 7]},
        }  # fmt: skip
        made = (await trial.ok("POST", "/v1/admin/partners", body, token=staff))["partner"]
        papers = {"onboarding_status": "verified"}
        await trial.ok("POST", f"/v1/admin/partners/{made['id']}/verify", papers, token=staff)
        return cls(trial, await trial.token("technician", made["id"]))

    @classmethod
    async def of(cls, trial: Trial, number: int) -> Technician:
        """A seeded one."""
        return cls(trial, await trial.token("technician", f"+9110000{number:05d}"))

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        return await self.trial.call(method, path, body, token=self.token, **headers)

    async def ok(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return await self.trial.ok(method, path, body, token=self.token, **headers)


async def whose_offer(trial: Trial, booking: dict[str, Any]) -> Technician:
    """The technician to whom a booking is offered."""

    async def offered() -> str | None:
        told = await trial.ok(
            "GET", f"/v1/internal/bookings/{booking['id']}/dispatch", token=await trial.token("service", "trials")
        )
        return next((str(one["partner_id"]) for one in told["offers"] if one["state"] == "open"), None)

    return Technician(trial, await trial.token("technician", await until(offered, "nobody has the offer")))


def fix(lat: float, lng: float, *more: Any, age_s: float = 0.0) -> list[Any]:
    """A position as a phone sends it."""
    return [int((time.time() - age_s) * 1000), lat, lng, *more]


async def cancel_all(trial: Trial) -> None:
    """Cancels what was booked by the customers who were made since it was asked for last."""
    while trial.customers:
        token = trial.customers.pop()
        booked = (await trial.ok("GET", "/v1/bookings?limit=100", token=token))["bookings"]
        for one in booked:
            if one["status"] in OPEN:
                said = {"reason": "The trial is over"}
                await trial.call("POST", f"/v1/bookings/{one['id']}/cancel", said, token=token)
