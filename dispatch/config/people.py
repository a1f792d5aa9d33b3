"""Signing in, and what is kept of people."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, SecretStr

from dispatch.config.values import Days


class Otp(BaseModel):
    """One-time codes."""

    life_s: int = Field(300, ge=30, description="How long a code is good")
    tries: int = Field(5, ge=1, le=5, description="Guesses at a code from where it was asked for, and of all others")
    sends_per_ip_per_hour: int = Field(60, ge=1, description="Codes, per address")
    guesses_per_ip_per_hour: int = Field(100, ge=1, description="Wrong codes, per address")
    sends_per_minute: int = Field(600, ge=1, description="Codes in all")
    sends_per_day: int = Field(20_000, ge=1, description="Codes in all until midnight; staff hear of it at 80 %")
    regions: list[Annotated[str, Field(pattern="^[A-Z]{2}$")]] = Field(
        [], description="Regions (ISO 3166) to whose phones codes are sent; empty: everywhere"
    )


class TokenTimes(BaseModel):
    """How long signing in lasts."""

    access_s: int = Field(900, ge=60, description="Life of an access token")
    refresh_s: int = Field(604_800, ge=3600, description="Life of a session")
    service_token: SecretStr | None = Field(None, description="A fixed token of the internal API, besides minted ones")


class Privacy(BaseModel):
    """Who may know whom for how long, and how long personal data are kept."""

    contact_hours: float = Field(
        12, ge=0, description="Customer and technician see each other's name and number so long after a job is done"
    )
    bookings_days: Days = Field(1095, description="Names, doors and words of finished bookings")
    letters_days: Days = Field(365, description="Letters from the contact form, answered or not")
    outbox_days: Days = Field(30, description="Messages that have left or were given up")
    otp_days: Days = Field(1, description="What is left of one-time codes")
