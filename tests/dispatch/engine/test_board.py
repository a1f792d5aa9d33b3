"""What a board is told: who is new, who only moved, who stands still, and everything in pages that a socket takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from dispatch.engine import board
from dispatch.engine.board import PAGE, STILL_S, Board, Mark

NOW = datetime(2026, 1, 5, 4, 30, tzinfo=UTC)
#: What a socket's page weighs at most (DESIGN, sockets).
PAGE_BYTES = 64 * 1024


def mark(no: int, **changes: Any) -> Mark:
    known: dict[str, Any] = {
        "lat": 22.5, "lng": 88.3, "heading_deg": None, "fix_s": 1000, "presence": "online", "job": None,
        "is_sure": True, "id": UUID(int=no), "code": f"PT-{no:03d}", "name": f"Technician {no}", **changes,
    }  # fmt: skip
    return Mark(no, **known)


def seen(*marks: Mark, **changes: Any) -> Board:
    return replace(Board(NOW, {m.no: m for m in marks}, {}, {}, 0, False), **changes)


def test_who_only_moved_is_a_line_and_whoever_changed_is_told_whole() -> None:
    before = seen(mark(1), mark(2), mark(3), mark(4))
    moved, busy = mark(1, lat=22.6, heading_deg=90, fix_s=1005), mark(2, presence="busy", job="in_transit")
    after = seen(moved, busy, mark(3), mark(5))
    told = board.changes(before, after)
    assert told is not None
    assert told["moved"] == [[1, 22.6, 88.3, 90, 1005]]
    assert [t["no"] for t in told["technicians"]] == [2, 5] and told["technicians"][0]["job"] == "in_transit"
    assert told["technicians_gone"] == [4]
    assert board.changes(after, after) is None


def test_standing_still_is_told_now_and_then_and_never_lost() -> None:
    told_s, now = 1000, seen(mark(1))
    lines = 0
    for fix_s in range(1001, 1001 + 4 * STILL_S):
        later = seen(mark(1, fix_s=fix_s))
        delta = board.changes(now, later)
        if delta is not None:
            lines, told_s = lines + 1, delta["moved"][0][4]
        now = later
        assert fix_s - told_s < STILL_S
    assert lines == 4


def test_queue_and_cut_are_told_when_they_change() -> None:
    told = board.changes(seen(), seen(queue_length=3, is_cut=True))
    assert told == {"at": NOW, "queue_length": 3, "is_cut": True}


def test_five_thousand_come_in_pages_that_a_socket_takes() -> None:
    everybody = seen(*(mark(n, name="N" * 60, heading_deg=180) for n in range(1, 5001)))
    pages = list(board.pages(board.snapshot(everybody)))
    assert len(pages) == 5000 // PAGE
    assert {t["no"] for page in pages for t in page["technicians"]} == set(range(1, 5001))
    assert pages[0]["queue_length"] == 0 and pages[0]["alerts"] == [] and "queue_length" not in pages[1]
    assert all(page["at"] == NOW for page in pages)
    assert max(len(orjson.dumps(page)) for page in pages) < PAGE_BYTES
    empty = list(board.pages(board.snapshot(seen())))
    assert empty == [board.snapshot(seen())]
