"""The gateway's clients of this process: one per configuration, opened when it is first needed."""

from __future__ import annotations

from dispatch.adapters.razorpay.client import RazorpayGateway
from dispatch.config.money import Payments
from dispatch.ports.gateway import Gateway

_open: dict[tuple[str, ...], RazorpayGateway] = {}


def client_of(config: Payments) -> Gateway:
    """The client of a configured gateway."""
    key = _key(config)
    if key not in _open:
        _open[key] = RazorpayGateway(
            config.key_id, config.key_secret.get_secret_value(), base_url=config.base_url,
            payout_account=config.account_number, connect_timeout_s=config.connect_s,
            total_timeout_s=config.total_s,
        )  # fmt: skip
    return _open[key]


async def close(config: Payments) -> None:
    """Closes the client, if it was opened; a later `client_of` opens a new one."""
    client = _open.pop(_key(config), None)
    if client is not None:
        await client.close()


def _key(config: Payments) -> tuple[str, ...]:
    times = (str(config.connect_s), str(config.total_s))
    secret = config.key_secret.get_secret_value()
    return (config.base_url, config.key_id, secret, config.account_number, *times)
