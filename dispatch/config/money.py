"""Prices and shares, payouts, and the payment gateway."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field, SecretStr

from dispatch.config.values import Currency, WebRoot, Zone


class Billing(BaseModel):
    """Prices and shares."""

    tax_pct: float = Field(18.0, ge=0, le=100, description="Tax rate")
    tax_base: Literal["subtotal_less_discount", "net"] = Field(
        "subtotal_less_discount", description="What is taxed (C1)"
    )
    technician_share_pct: float = Field(70.0, ge=0, le=100, description="The technician's share of the grand total")
    free_cancellation_s: float = Field(300, ge=0, description="Cancelling is free for so long after booking")
    cancellation_fee_pct: float = Field(10.0, ge=0, le=100, description="Fee of a later cancellation")
    preview_s: float = Field(120, gt=0, description="Life of a checkout preview")
    unpaid_release_s: float = Field(1800, gt=0, description="An unpaid online booking is released after this")
    cache_s: float = Field(3600, ge=0, description="Catalogue and promo definitions are cached so long")


class Erp(BaseModel):
    """Trade partners, their orders and their credit."""

    currency: Currency = Field("INR", description="The one currency of credit, orders and price lists")
    all_rows: int = Field(
        5000, ge=1, le=100_000, description="So many partners are listed at once with all=true; more are exported"
    )


class Providers(BaseModel):
    """What a provider begins with, and when people look at its payouts."""

    currency: Currency = Field("NGN", description="Of a provider that names no other")
    timezone: Zone = Field("Africa/Lagos", description="Of a provider that names no other")
    min_payout_minor: int = Field(100_000, ge=0, description="Smallest payout, in the smallest units")
    review_above_minor: int = Field(
        50_000_000,
        ge=0,
        description="Larger payouts that are asked for by hand wait for staff, in the smallest units of the house's "
        "currency; those in another one always do",
    )
    redirects: list[str] = Field(
        [], description="Exact origins to which a payment page may send back, besides those that may ask over REST"
    )


class Payments(BaseModel):
    """The payment gateway."""

    key_id: str = Field("", description="Razorpay key id; without keys online payment answers 503")
    key_secret: SecretStr = Field(SecretStr(""), description="Razorpay key secret")
    webhook_secret: SecretStr = Field(SecretStr(""), description="Secret of the webhook's signature")
    previous_webhook_secret: SecretStr = Field(SecretStr(""), description="The secret before the last rotation")
    base_url: WebRoot = Field("https://api.razorpay.com", description="The gateway's address")
    account_number: str = Field("", description="RazorpayX account that payouts leave from; empty: paid out by hand")
    connect_s: float = Field(3.0, gt=0, description="Longest wait for a connection")
    total_s: float = Field(10.0, gt=0, description="Longest wait for an answer")

    @property
    def is_configured(self) -> bool:
        return bool(self.key_id and self.key_secret.get_secret_value())
