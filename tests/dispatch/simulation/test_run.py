"""The whole story by people: a server of its own, real REST and sockets, and nothing missed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests import warm
from tests.conftest import SHARED
from tests.processes import ROOT, environment

LIMIT_S = 600.0
#: A cancelled booking that was paid online is refunded.
ENDED = {"completed", "cancelled", "refunded"}


async def simulate(dsn: str, folder: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """The command's exit code, report and words."""
    settings = {"DISPATCH_DISPATCH__LEAD_S": "300", "DISPATCH_LOG_LEVEL": "error"}
    env = environment(DATABASE_URL=dsn, DISPATCH_DATA=str(folder), **settings)
    code, out, words = await asyncio.to_thread(warm.run, ("simulate", "--json", *arguments), env, ROOT, LIMIT_S)
    return code, orjson.loads(out) if out else {}, words


async def test_every_booking_ends_and_no_event_is_missed(fresh_dsn: str, tmp_path: Path) -> None:
    """In a zone of recorded trips where they are here, else in the seeded city, which the restart has too."""
    trips = SHARED / "data" / "porto_taxi_trips_1k.csv"
    zone = ("--traces", str(trips), "--timezone", "Europe/Lisbon") if trips.exists() else ("--seed", "3")
    code, report, words = await simulate(
        fresh_dsn, tmp_path, *zone, "--technicians", "12", "--customers", "4", "--speed", "200"
    )
    assert report, words
    assert (code, report["missed_events"], report["resets"], report["error_words"]) == (0, 0, 0, [])
    assert sum(report["bookings"].values()) == 4, report["turned_away"]
    assert report["repeated_events"] == 0
    assert set(report["bookings"]) <= ENDED
    assert report["bookings"]["completed"] >= 1
    assert report["arrivals_detected"] + report["arrivals_by_hand"] >= report["bookings"]["completed"]
    assert report["pings_sent"] >= report["pings_admitted"] + report["pings_refreshed"] > 100
    assert report["offers_made"] >= report["bookings"]["completed"]
    assert report["facts_told"] > 10
    assert not trips.exists() or report["trips"] > 980


@pytest.mark.parametrize(
    ("cells", "words"),
    [("nonsense\n", "no usable trip"), (None, "There is no file")],
)
async def test_a_useless_file_is_refused_in_words(
    fresh_dsn: str, tmp_path: Path, cells: str | None, words: str
) -> None:
    path = tmp_path / "trips.csv"
    if cells is not None:
        path.write_text(f"POLYLINE\n{cells}")
    code, report, said = await simulate(fresh_dsn, tmp_path / "data", "--traces", str(path))
    assert (code, report) == (1, {})
    assert words in said
    assert "Traceback" not in said
