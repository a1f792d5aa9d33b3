"""How many deliveries run at once, in all and to each endpoint: what is slow or dead takes nothing from the others.

Each endpoint has a lane of its own. It begins with one delivery at a time and widens by one with each that succeeds;
one that fails makes it narrow again. So an endpoint that never answers holds one place, however much waits for it.
Those that have failed since their last success share places of their own: any number of dead ones leaves the others
alone.
"""

from __future__ import annotations

from collections import Counter
from uuid import UUID

#: At once on one node; of these so many to endpoints that are failing; and to one endpoint.
MOST, MOST_FAILING, WIDEST = 512, 64, 8
#: Lanes that are remembered while nothing runs on them.
_REMEMBERED = 10_000


class Lanes:
    """The count of one node."""

    def __init__(self) -> None:
        self._widths: dict[UUID, int] = {}
        self._running: Counter[UUID] = Counter()
        self._in_all = {False: 0, True: 0}

    def free(self, is_failing: bool) -> int:
        """How many more may begin, among endpoints that are failing or among the others."""
        most = MOST_FAILING if is_failing else MOST - MOST_FAILING
        return most - self._in_all[is_failing]

    def rooms(self) -> dict[UUID, int]:
        """How many more each endpoint takes, of those that do not take exactly one."""
        known = self._widths.keys() | self._running.keys()
        rooms = {one: max(0, self._widths.get(one, 1) - self._running[one]) for one in known}
        return {one: room for one, room in rooms.items() if room != 1}

    def begin(self, endpoint_id: UUID, is_failing: bool) -> None:
        self._running[endpoint_id] += 1
        self._in_all[is_failing] += 1

    def end(self, endpoint_id: UUID, is_failing: bool, is_success: bool) -> None:
        """`is_failing` is what it was begun as."""
        self._in_all[is_failing] -= 1
        self._running[endpoint_id] -= 1
        if not self._running[endpoint_id]:
            del self._running[endpoint_id]
        width = min(WIDEST, self._widths.get(endpoint_id, 1) + 1) if is_success else 1
        self._widths.pop(endpoint_id, None)
        if width > 1:
            self._widths[endpoint_id] = width
            if len(self._widths) > _REMEMBERED:
                # The one that has been idle for longest begins anew.
                del self._widths[next(iter(self._widths))]
