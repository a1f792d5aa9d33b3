"""What this node has just told: only what follows at once, only for a moment, and as the stream would tell it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from dispatch.live.just_told import BELIEVED_S, JustTold
from storage.facts import PartyEvent

ONE, TWO = UUID(int=1), UUID(int=2)
AT = datetime(2026, 1, 5, 6, tzinfo=UTC)


def event(party_id: UUID, seq: int, **data: Any) -> PartyEvent:
    return PartyEvent(party_id, seq, "job.updated", data, AT, False)


def test_only_what_follows_at_once_is_given_each_stream_its_own() -> None:
    told = JustTold()
    told.put([event(ONE, 4), event(TWO, 9), event(ONE, 5)])
    assert told.after(ONE, 3) == [event(ONE, 4), event(ONE, 5)] and told.after(TWO, 8) == [event(TWO, 9)]
    # Something lies between, or a part is known already: the stream itself is read.
    assert told.after(ONE, 2) is None and told.after(ONE, 4) is None and told.after(ONE, 5) is None
    # What was told before the last transaction is read too.
    told.put([event(ONE, 6)])
    assert told.after(ONE, 3) is None and told.after(ONE, 5) == [event(ONE, 6)]
    assert told.after(UUID(int=3), 0) is None


def test_it_is_believed_for_a_moment() -> None:
    now = 100.0
    told = JustTold(lambda: now)
    told.put([event(ONE, 1)])
    now += BELIEVED_S / 2
    assert told.after(ONE, 0) == [event(ONE, 1)]
    now += BELIEVED_S
    assert told.after(ONE, 0) is None


def test_its_data_are_those_that_were_written() -> None:
    told, moment = JustTold(), datetime(2026, 1, 5, 7, tzinfo=UTC)
    data = {"id": TWO, "at": moment, "whole": 2, "names": ["a"]}
    told.put([PartyEvent(ONE, 1, "job.updated", data, AT, False)])
    found = told.after(ONE, 0)
    assert found is not None
    assert found[0].data == {"id": str(TWO), "at": "2026-01-05T07:00:00+00:00", "whole": 2, "names": ["a"]}
    # Nobody who changes what they hold changes what others hear.
    data["names"].append("b")
    found[0].data["names"].append("c")
    assert told.after(ONE, 0) != found
