"""A posting that is closed while somebody applies."""

from __future__ import annotations

from dispatch.engine.presence import Shift
from dispatch.events import Actor
from dispatch.parties import job_board
from dispatch.parties.job_board import NewPosting, PostingClosed
from dispatch.parties.members import By
from tests.organisations import add_organisation
from tests.turns import one_after_the_other
from tests.world import World


async def test_nobody_applies_for_what_is_closed_meanwhile(world: World) -> None:
    school = await add_organisation(world.services, org_type="school")
    member_id = await school.member()
    student = By(school.id, Actor("organisation", str(member_id)), "partner_member", member_id=member_id)
    new = NewPosting("Helper", "On Mondays", ["Facial"], ["Minimal"], Shift([1], 600, 900))
    async with world.services.transaction() as tx:
        posting = await job_board.post(tx, school.by, new)
    _, refused = await one_after_the_other(
        world.services, lambda tx: job_board.close(tx, school.by, posting.id),
        lambda tx: job_board.apply(tx, student, posting.id, "+919812340001", None),
    )  # fmt: skip
    assert isinstance(refused, PostingClosed)
