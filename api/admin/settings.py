"""Settings of the business, live on every node."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api.audiences import Admin, admin
from api.wire.models import Body, View
from dispatch.engine import settings
from dispatch.services import Services

Number = Annotated[float, Field(strict=True)]


class SettingsIn(Body):
    """Those that are named are set. Percentages of the booking, minutes, days, kilometres."""

    commission_percentage: Number | None = None
    cancellation_fee_percentage: Number | None = None
    free_cancellation_minutes: Number | None = None
    partner_assignment_timeout: Number | None = None
    otp_expiry_minutes: Number | None = None
    max_booking_advance_days: Number | None = None
    min_booking_lead_minutes: Number | None = None
    search_radius_km: Number | None = None


class SettingsOut(View):
    """`commission_percentage` is the platform's share; the technician has the rest."""

    commission_percentage: float
    cancellation_fee_percentage: float
    free_cancellation_minutes: float
    partner_assignment_timeout: float
    otp_expiry_minutes: float
    max_booking_advance_days: float
    min_booking_lead_minutes: float
    search_radius_km: float


class SetOut(View):
    settings: SettingsOut


@admin.route("GET", "/settings", permission="settings:read", tags=["settings"])
async def get(services: Services, caller: Admin) -> SettingsOut:
    """Every setting as it is now."""
    async with services.read() as conn:
        return SettingsOut.model_validate(await settings.current(services, conn))


@admin.route("PUT", "/settings", permission="settings:write", tags=["settings"])
async def put(services: Services, caller: Admin, body: SettingsIn) -> SetOut:
    """Set those that are named. They act at once, and on every node within seconds.

    Example: {"commission_percentage": 30.0, "cancellation_fee_percentage": 10.0, "free_cancellation_minutes": 5}
    """
    async with services.transaction() as tx:
        now = await settings.update(tx, caller.actor, body.model_dump(exclude_none=True))
    return SetOut(settings=SettingsOut.model_validate(now))
