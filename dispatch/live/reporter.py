"""One technician who reports: all that the way of a ping needs of them, found once for each frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from dispatch.live.arrivals import TrackedJob
from dispatch.live.devices import Bucket, Clocks
from dispatch.live.reports import Seen
from dispatch.live.roster import Technician
from geo.filter import FixFilter


@dataclass(slots=True, eq=False)
class Reporter:
    """`jobs` is the list that Arrivals keeps. `seen` is None until they have been seen somewhere."""

    person: Technician
    jobs: Sequence[TrackedJob]
    bucket: Bucket
    clocks: Clocks = field(default_factory=Clocks)
    filter: FixFilter = field(default_factory=FixFilter)
    seen: Seen | None = None
