"""The one service that issues contract numbers (BK-20240115-000001, PT-001, ...): no two are ever alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from storage import numbers as rows
from storage.database.pool import Conn


@dataclass(frozen=True, slots=True)
class Series:
    """How the numbers of a kind look. `period` is a strftime pattern: a new period counts from `first`
    again.
    """

    pattern: str
    period: str = ""
    first: int = 1


#: R177 to R182. The width is the least number of digits: a counter that outgrows it just gets longer.
SERIES: dict[str, Series] = {
    "BK": Series("BK-{period}-{value:06d}", "%Y%m%d"),
    "PO": Series("PO-{period}-{value:03d}", "%Y%m%d"),
    "PT": Series("PT-{value:03d}"),
    "PR": Series("PR-{value:03d}"),
    "BULK": Series("BULK-{period}-{value:06d}", "%Y"),
    "BKG": Series("BKG-{period}-{value:06d}", "%Y"),
    "QTE": Series("QTE-{period}-{value:06d}", "%Y"),
    "INV": Series("INV-{period}-{value:06d}", "%Y"),
    "PB": Series("PB-{period}-{value:06d}", "%Y"),
    "TKT": Series("TKT-{period}-{value:06d}", "%Y"),
    "ORG": Series("ORG-{value:05d}"),
    "CL": Series("CL{value:05d}"),
    "BC": Series("BC{value:03d}"),
    "BL": Series("BL{value:03d}"),
    # Invoice numbers of payouts go out to banks and providers: six digits from the first one on.
    "#": Series("#{value}", first=100_001),
}


async def take(conn: Conn, code: str, at: date) -> str:
    """The next number of a series on the day `at` (a local day where that matters); nobody else gets it.

    The counter's row stays locked until the transaction ends, and a rolled-back one leaves no gap. The hot series of
    bookings (BK) counts by a sequence instead, which locks nobody and has gaps.
    """
    series = SERIES[code]
    period = at.strftime(series.period)
    value = await rows.take(conn, code=code, period=period, first=series.first)
    assert value is not None, "a counter always answers"
    return series.pattern.format(period=period, value=value)


def stem(code: str, at: date) -> str:
    """What stands before the counter, of a series whose counter is a sequence of the database."""
    series = SERIES[code]
    return series.pattern.partition("{value")[0].format(period=at.strftime(series.period))
