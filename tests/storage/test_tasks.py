"""The queue of tasks: it begins anew when it is deaf, and not when one echo was lost."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
from pgqueuer.errors import FailingListenerError
from pgqueuer.models import HealthCheckEvent
from pgqueuer.types import HealthCheckId

from storage.tasks import HEARTBEAT, asked_twice


@pytest.mark.parametrize("lost", [0, 1, 2])
async def test_one_lost_echo_is_none(lost: int) -> None:
    waited: list[timedelta] = []
    echo = HealthCheckEvent.model_construct(id=HealthCheckId(uuid4()))

    async def probe(timeout: timedelta) -> HealthCheckEvent:
        waited.append(timeout)
        if len(waited) <= lost:
            raise FailingListenerError
        return echo

    if lost < 2:
        assert await asked_twice(probe)(HEARTBEAT) is echo
    else:
        with pytest.raises(FailingListenerError):
            await asked_twice(probe)(HEARTBEAT)
    assert waited == [HEARTBEAT] * min(lost + 1, 2)
