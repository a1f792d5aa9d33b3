"""The customer's part of the API, typed: from the catalogue to the rating. An app uses it for a customer of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, Protocol, cast

from dispatch.client.documents import (
    Address,
    Booking,
    Bookings,
    Cancelled,
    Catalogue,
    Confirmed,
    Event,
    NewAddress,
    Preview,
    Service,
)

PaymentMethod = Literal["online", "cash", "account"]


class Call(Protocol):
    """One request: `Rest.call`, or whatever repeats it with more patience."""

    async def __call__(
        self, method: str, path: str, body: Any = None, *, query: Mapping[str, str] | None = None,
        key: str | None = None,
    ) -> Any: ...  # fmt: skip


class CustomerApi:
    """Everything raises what the call raises: CallFailed, Unreachable."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def catalogue(self, **query: str) -> Catalogue:
        """What can be booked; `category`, `tier` and `pincode` narrow it."""
        return cast(Catalogue, await self._call("GET", "/v1/services/catalog", query=query or None))

    async def service(self, service_id: str) -> Service:
        return cast(Service, await self._call("GET", f"/v1/services/{service_id}"))

    async def addresses(self) -> list[Address]:
        return cast(list[Address], await self._call("GET", "/v1/users/addresses"))

    async def add_address(self, new: NewAddress) -> Address:
        return cast(Address, await self._call("POST", "/v1/users/addresses", new))

    async def prepare(
        self,
        service_ids: Sequence[str],
        *,
        address_id: str | None = None,
        date: str | None = None,
        time: str | None = None,
        promo_code: str | None = None,
        payment_method: PaymentMethod | None = None,
    ) -> Preview:
        """A price and the free times; with a `time` that one is kept for as long as the price stands."""
        body = {
            "service_ids": list(service_ids), "address_id": address_id, "booking_date": date, "booking_time": time,
            "promo_code": promo_code, "payment_method": payment_method,
        }  # fmt: skip
        given = {name: value for name, value in body.items() if value is not None}
        return cast(Preview, await self._call("POST", "/v1/checkout/prepare", given))

    async def confirm(
        self,
        preview_id: str,
        *,
        address_id: str,
        date: str,
        time: str,
        name: str,
        phone: str,
        email: str | None = None,
        payment_method: PaymentMethod = "cash",
        key: str | None = None,
    ) -> Confirmed:
        """The booking. With a `key`, however often it is sent, it is one."""
        body = {
            "preview_id": preview_id, "payment_method": payment_method, "address_id": address_id,
            "booking_date": date, "booking_time": time, "customer_name": name, "customer_phone": phone,
            "customer_email": email, "cancellation_policy_accepted": True,
        }  # fmt: skip
        return cast(Confirmed, await self._call("POST", "/v1/checkout/confirm", body, key=key))

    async def bookings(self, **query: str) -> AsyncIterator[Booking]:
        """All of them, page by page, the newest first."""
        wanted = {"limit": "100", **query}
        while True:
            page = cast(Bookings, await self._call("GET", "/v1/bookings", query=wanted))
            for booking in page["bookings"]:
                yield booking
            cursor = page["pagination"].get("cursor")
            if not cursor:
                return
            wanted = {**wanted, "cursor": cursor}

    async def booking(self, booking_id: str) -> Booking:
        return cast(Booking, await self._call("GET", f"/v1/bookings/{booking_id}"))

    async def timeline(self, booking_id: str) -> list[Event]:
        return cast(list[Event], await self._call("GET", f"/v1/bookings/{booking_id}/timeline"))

    async def cancel(self, booking_id: str, reason: str | None = None) -> Cancelled:
        return cast(Cancelled, await self._call("POST", f"/v1/bookings/{booking_id}/cancel", {"reason": reason}))

    async def reschedule(self, booking_id: str, date: str, time: str) -> Booking:
        body = {"booking_date": date, "booking_time": time}
        return cast(Booking, await self._call("POST", f"/v1/bookings/{booking_id}/reschedule", body))

    async def rate(self, booking_id: str, stars: int, feedback: str | None = None) -> None:
        await self._call("POST", f"/v1/bookings/{booking_id}/rate", {"rating": stars, "feedback": feedback})

    async def verify_payment(self, signed: Mapping[str, str]) -> None:
        """Hands on the signed triple of the gateway's page."""
        await self._call("POST", "/v1/payments/verify", dict(signed))
