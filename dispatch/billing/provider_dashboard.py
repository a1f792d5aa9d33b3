"""What a provider's dashboard shows: the sums of a span beside those of the one before, read off the daily sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from dispatch import localtime
from dispatch.billing import periods, provider_wallet
from dispatch.billing.periods import Compared, Span
from storage import provider_subscriptions as subscription_rows
from storage import provider_sums as rows
from storage.database.pool import Conn
from storage.provider_sums import StatusSum
from storage.providers import Provider

#: The contract's words for states in sums (C114), in this order, and which of ours each stands for.
SUMMARY_WORDS: Mapping[str, tuple[str, ...]] = {
    "successful": ("settled",), "failed": ("failed", "cancelled"), "refunded": ("refunded",), "pending": ("pending",),
}  # fmt: skip
HOURS = 24


@dataclass(frozen=True, slots=True)
class Sum:
    """How many lines, and how much in the provider's currency, in minor units."""

    lines: int = 0
    amount_minor: int = 0


@dataclass(frozen=True, slots=True)
class Stats:
    income_minor: int
    income_before_minor: int
    summary: Mapping[str, Sum]
    payouts: int
    payouts_before: int
    subscribers: int
    subscribers_before: int
    balance_minor: int
    pending_minor: int

    @property
    def failed(self) -> Sum:
        """What failed or went back."""
        parts = [self.summary["failed"], self.summary["refunded"]]
        return Sum(sum(p.lines for p in parts), sum(p.amount_minor for p in parts))


@dataclass(frozen=True, slots=True)
class Point:
    """`hour` where the points are hours of one day."""

    day: date
    hour: int | None
    this_minor: int
    before_minor: int


@dataclass(frozen=True, slots=True)
class Counts:
    """`change_pct` compares what came in the span with the span before."""

    total: int
    arrived: int
    active: int
    change_pct: float


async def stats(conn: Conn, provider: Provider, span: Compared, now: datetime) -> Stats:
    """The sums of both spans; balances and subscribers are of now."""
    sums = await by_word(conn, provider, span.this)
    held = {b.currency: b for b in await provider_wallet.balances(conn, provider.id)}
    own = held.get(provider.currency) or provider_wallet.Balance(provider.currency)
    ended_at = localtime.to_utc(span.this.first, time(), provider.timezone)
    return Stats(
        await income(conn, provider, span.this), await income(conn, provider, span.before), sums,
        await _payouts(conn, provider, span.this), await _payouts(conn, provider, span.before),
        await rows.subscribers_at(conn, provider_id=provider.id, at=now) or 0,
        await rows.subscribers_at(conn, provider_id=provider.id, at=ended_at) or 0,
        own.available_minor, own.pending_minor,
    )  # fmt: skip


async def income(conn: Conn, provider: Provider, span: Span) -> int:
    """What was settled less what went back, in minor units (C113); below zero where more went back than came."""
    return sum((await _by_day(conn, provider, span, None)).values())


async def by_word(conn: Conn, provider: Provider, span: Span) -> dict[str, Sum]:
    """The contract's words -> sums of a span; every word is there."""
    found: dict[str, StatusSum] = {
        s.status: s
        for s in await rows.by_status(
            conn, provider_id=provider.id, currency=provider.currency, first=span.first, last=span.last
        )
    }
    return {
        word: Sum(
            sum(found[own].lines for own in ours if own in found),
            sum(found[own].amount_minor for own in ours if own in found),
        )
        for word, ours in SUMMARY_WORDS.items()
    }


async def _payouts(conn: Conn, provider: Provider, span: Span) -> int:
    return await rows.payouts(conn, provider_id=provider.id, first=span.first, last=span.last) or 0


async def _by_day(conn: Conn, provider: Provider, span: Span, service: str | None) -> dict[date, int]:
    found = await rows.income_by_day(
        conn, provider_id=provider.id, currency=provider.currency, first=span.first, last=span.last, service=service
    )
    return {d.day: d.amount_minor for d in found}


# ---------------------------------------------------------------- charts


async def chart(conn: Conn, provider: Provider, span: Compared, service: str | None = None) -> list[Point]:
    """Income point by point beside the span before: hours of a day, days, or months of a year and of long spans.

    What the span before has more points of (a longer month) is part of the last one, so that the points add up.
    """
    if span.this.days == 1 and span.before.days == 1:
        this = await _by_hour(conn, provider, span.this.first, service)
        before = await _by_hour(conn, provider, span.before.first, service)
        return [Point(span.this.first, h, this.get(h, 0), before.get(h, 0)) for h in range(HOURS)]
    by_month = span.kind == "yearly" or span.this.days > periods.MOST_DAYS
    own = _in_buckets(span.this, await _by_day(conn, provider, span.this, service), by_month=by_month)
    other = _in_buckets(span.before, await _by_day(conn, provider, span.before, service), by_month=by_month)
    points = []
    for n, (bucket, minor) in enumerate(own):
        is_last = n == len(own) - 1
        matching = other[n:] if is_last else other[n : n + 1]
        points.append(Point(bucket.first, None, minor, sum(m for _, m in matching)))
    return points


def _in_buckets(span: Span, sums: Mapping[date, int], *, by_month: bool) -> Sequence[tuple[Span, int]]:
    made = periods.buckets(span, by_month=by_month)
    return [(b, sum(minor for day, minor in sums.items() if b.first <= day <= b.last)) for b in made]


async def _by_hour(conn: Conn, provider: Provider, day: date, service: str | None) -> dict[int, int]:
    found = await rows.income_by_hour(
        conn, provider_id=provider.id, currency=provider.currency, timezone=provider.timezone, service=service,
        from_at=localtime.to_utc(day, time(), provider.timezone),
        to_at=localtime.to_utc(day + timedelta(days=1), time(), provider.timezone),
    )  # fmt: skip
    return {h.hour: h.amount_minor for h in found}


# ---------------------------------------------------------------- people


async def customers(conn: Conn, provider: Provider, span: Compared) -> Counts:
    """All customers by the end of the span, those who came in it, and those who have paid or been paid since."""
    this, before = [await _customers(conn, provider, one) for one in (span.this, span.before)]
    change = periods.change_pct(this.arrived, before.arrived)
    return Counts(this.total, this.arrived, this.active, change)


async def _customers(conn: Conn, provider: Provider, span: Span) -> rows.CustomerCounts:
    found = await rows.customers(
        conn, provider_id=provider.id, from_at=localtime.to_utc(span.first, time(), provider.timezone),
        to_at=localtime.to_utc(span.last + timedelta(days=1), time(), provider.timezone),
    )  # fmt: skip
    assert found is not None, "counts are always there"
    return found


async def subscriptions(conn: Conn, provider: Provider) -> subscription_rows.Summary:
    found = await subscription_rows.summary(conn, provider_id=provider.id)
    assert found is not None, "counts are always there"
    return found


async def lines_between(conn: Conn, provider: Provider, span: Span) -> int:
    """How many lines the statement has of these days."""
    return await rows.lines_between(conn, provider_id=provider.id, first=span.first, last=span.last) or 0
