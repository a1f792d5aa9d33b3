"""Who has been there long enough, by the place's days; an emergency that two close at once is closed once."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from dispatch.parties import programs
from dispatch.parties.programs import NewProgram, ProgramClosed
from dispatch.services import Services, Tx
from storage import programs as rows
from storage.programs import Program
from tests.organisations import APART, NOON, add_organisation
from tests.turns import one_after_the_other


async def test_two_who_close_one_emergency_close_it_once(services: Services) -> None:
    home = await add_organisation(services, org_type="lgu")
    protocol = {"triggerEvents": ["flood"], "responseLevels": ["alert1"], "authorities": ["mayor"]}
    new = NewProgram("emergency_response", "Floods", details={"activationProtocol": protocol}, is_active=False)
    async with services.transaction() as tx:
        program = await programs.create(tx, home.by, new)
        await programs.activate(tx, home.by, program.id, "flood", "alert1", "mayor")

    async def close(tx: Tx) -> Program:
        return await programs.deactivate(tx, home.by, program.id, "mayor")

    closed, refused = await one_after_the_other(services, close, close)
    assert closed.activation is None and isinstance(refused, ProgramClosed)
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM audit_log WHERE action = 'program.deactivate'") == 1


@pytest.mark.parametrize("timezone", APART)
async def test_a_tenure_is_reached_on_its_day_where_the_organisation_is(services: Services, timezone: str) -> None:
    home = await add_organisation(services)
    here = await home.in_zone(timezone, NOON)
    begun = date(here.year - 1, 10, here.day)
    long_enough, a_day_short = [
        await home.member(hired_on=day) for day in (begun, begun + timedelta(days=1))
    ]  # fmt: skip
    async with services.transaction() as tx:
        program = await programs.create(tx, home.by, NewProgram("wellness_program", "Health", tenure_months=3))
        found = [await rows.is_eligible(tx.conn, id=program.id, member_id=one) for one in (long_enough, a_day_short)]
    assert found == [True, False]
