"""How often who may do what."""

from __future__ import annotations

from pydantic import BaseModel, Field


class Limits(BaseModel):
    """Requests per window, as the contract has them (R42 to R47)."""

    customer_per_minute: int = Field(
        100, ge=1,
        description="Customer API, per address: more where many customers share one (an office, a mobile carrier)",
    )  # fmt: skip
    technician_per_minute: int = Field(200, ge=1, description="Technician API, per technician")
    admin_per_minute: int = Field(500, ge=1, description="Back office, per member of staff")
    internal_per_minute: int = Field(6000, ge=1, description="Internal API, per service")
    account_per_minute: int = Field(60, ge=1, description="Sign-in with a password, per address")
    organisation_per_minute: int = Field(300, ge=1, description="Organisation portal without a sign-in, per address")
    organisation_general_per_quarter: int = Field(
        200, ge=1, description="Organisation portal, per organisation in 15 minutes"
    )
    organisation_management_per_quarter: int = Field(100, ge=1, description="Managing an organisation, in 15 minutes")
    organisation_bulk_per_quarter: int = Field(10, ge=1, description="Bulk operations, per organisation in 15 minutes")
    organisation_analytics_per_quarter: int = Field(50, ge=1, description="Analytics of an organisation, in 15 minutes")
    organisation_uploads_per_hour: int = Field(20, ge=1, description="Files of an organisation, in an hour")
    integration_public_per_quarter: int = Field(
        100, ge=1, description="Integrations: what needs no credentials, per address and quarter of an hour"
    )
    integration_staff_per_quarter: int = Field(
        1000, ge=1, description="Integrations: staff and managing accounts, each per quarter of an hour"
    )
    onboarding_per_minute: int = Field(10, ge=1, description="Onboardings of integrations begun, per address")
    erp_per_minute: int = Field(300, ge=1, description="ERP, per member of its staff")
    provider_per_minute: int = Field(300, ge=1, description="Provider dashboard, per team member")
    booking_creation_per_hour: int = Field(10, ge=1, description="Bookings, per customer")
    booking_moves_per_hour: int = Field(10, ge=1, description="Moves of one booking by whoever booked it")
    payment_per_hour: int = Field(5, ge=1, description="Payment verifications, per customer")
    otp_per_hour: int = Field(3, ge=1, description="One-time codes, per phone")
    checkout_per_hour: int = Field(60, ge=1, description="Beginnings to pay at providers' public links, per address")
    contact_per_hour: int = Field(20, ge=1, description="Contact forms, per address")
    tracking_link_per_minute: int = Field(120, ge=1, description="Following a visit, per link")
    tracking_address_per_minute: int = Field(1200, ge=1, description="Following visits by any links, per address")
