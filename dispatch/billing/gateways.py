"""Where billing finds the payment gateway: one per process, beside the other parts."""

from __future__ import annotations

from dispatch.billing.charges import PaymentsNotConfigured
from dispatch.billing.gateway import Gateway
from dispatch.services import Services


def gateway_of(services: Services) -> Gateway:
    """Raises PaymentsNotConfigured on a server without keys."""
    gateway: Gateway | None = getattr(services, "gateway", None)
    if gateway is None:
        raise PaymentsNotConfigured()
    return gateway
