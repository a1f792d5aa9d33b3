"""What the server speaks to over the network: Redis and the payment gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatch.cli.doctor.findings import Finding, first_line

if TYPE_CHECKING:
    from dispatch.config import Settings

_NETWORK_S = 3.0


async def redis_of(settings: Settings) -> Finding:
    """Whether Redis answers, where it is used."""
    if not settings.redis_url:
        return Finding("redis", "ok", "not used: one process needs none")
    from storage.redis import ping

    try:
        await ping(settings.redis_url)
    except Exception as error:  # whatever it is, it is the finding
        return Finding("redis", "wrong", first_line(error), "check REDIS_URL and that it runs")
    return Finding("redis", "ok", "answers")


async def gateway_of(settings: Settings) -> Finding:
    """Whether the payment gateway answers, where there are keys for it."""
    if not settings.payments.is_configured:
        return Finding("gateway", "note", "no keys: online payment answers 503", "set DISPATCH_PAYMENTS__KEY_ID, ...")
    import aiohttp

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_NETWORK_S)) as session,
            session.get(settings.payments.base_url, allow_redirects=False) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        said = f"{settings.payments.base_url}: {first_line(error)}"
        return Finding("gateway", "wrong", said, "check DISPATCH_PAYMENTS__BASE_URL and the network")
    return Finding("gateway", "ok" if status < 500 else "wrong", f"{settings.payments.base_url} answers {status}")
