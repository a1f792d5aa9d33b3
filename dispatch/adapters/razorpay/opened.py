"""Where billing finds the payment gateway: one client per process and configuration, opened when needed."""

from __future__ import annotations

from dispatch.adapters.razorpay.client import RazorpayGateway
from dispatch.billing.charges import PaymentsNotConfigured
from dispatch.config import Payments
from dispatch.ports.gateway import Gateway
from dispatch.services import Services

_open: dict[tuple[str, ...], RazorpayGateway] = {}


def gateway_of(services: Services) -> Gateway:
    """The client of the configured gateway. Raises PaymentsNotConfigured on a server without keys."""
    config = services.settings.payments
    if not config.is_configured:
        raise PaymentsNotConfigured()
    key = _key(config)
    if key not in _open:
        _open[key] = RazorpayGateway(
            config.key_id, config.key_secret.get_secret_value(), base_url=config.base_url,
            payout_account=config.account_number, connect_timeout_s=config.connect_s,
            total_timeout_s=config.total_s,
        )  # fmt: skip
    return _open[key]


async def close(services: Services) -> None:
    """Closes the client, if it was opened; a later `gateway_of` opens a new one."""
    client = _open.pop(_key(services.settings.payments), None)
    if client is not None:
        await client.close()


def _key(config: Payments) -> tuple[str, ...]:
    times = (str(config.connect_s), str(config.total_s))
    return (
        config.base_url,
        config.key_id,
        config.key_secret.get_secret_value(),
        config.account_number,
        *times,
    )
