"""Seeded people as their apps behave: a customer who books, a technician who works."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.trials.callers import Reply, Trial, until


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
    async def of(cls, trial: Trial, number: int) -> Customer:
        phone = f"+9110001{number:05d}"
        return cls(trial, await trial.token("customer", phone), phone)

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Reply:
        return await self.trial.call(method, path, body, token=self.token, **headers)

    async def ok(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        return await self.trial.ok(method, path, body, token=self.token, **headers)

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
    async def of(cls, trial: Trial, number: int) -> Technician:
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
