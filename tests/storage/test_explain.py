"""Looks as they are kept, each with those whom it considered."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from storage import explain
from storage.database.listing import Wanted
from tests.world import World

#: As a node of the version before writes them.
BEFORE = """
WITH a AS (
  INSERT INTO match_attempts (booking_id, round, attempt, policy, policy_version, weights, radius_m, outcome, looks)
  VALUES ($1, 1, 1, 'greedy', 1, '{}', 10000, 'no_candidate', 1)
  RETURNING id
)
INSERT INTO match_candidates (attempt_id, technician_id, rank, reason, score, parts, distance_m)
SELECT a.id, (v ->> 0)::uuid, (v ->> 1)::int, v ->> 2, (v ->> 3)::real, nullif(v -> 4, 'null'), (v ->> 5)::int
FROM a, jsonb_array_elements($2::jsonb) AS v
"""


async def newest(world: World, technician_id: UUID) -> explain.RecentVerdict:
    async with world.services.read() as conn:
        since = world.now - timedelta(hours=1)
        found = await explain.of_technician.page(conn, Wanted(), technician_id=technician_id, since=since)
    return found.rows[0]


async def test_each_is_told_with_the_parts_of_its_own_score(world: World) -> None:
    near, far = await world.technician(), await world.technician(km_north=2.0, categories=("Cleaning",))
    booking = await world.book()
    async with world.services.read() as conn:
        (attempt,) = await explain.attempts(conn, booking_id=booking.id)
        one, other = await explain.candidates(conn, attempt_ids=[attempt.id])
    assert (one.technician_id, one.rank, one.reason) == (near, 1, "offered")
    assert one.score is not None and one.parts is not None and set(one.parts) == set(attempt.weights)
    assert abs(one.score - sum(attempt.weights[name] * part for name, part in one.parts.items())) < 1e-5
    assert (other.technician_id, other.rank, other.score, other.parts) == (far, None, None, None)
    for row in (one, other):
        told = await newest(world, row.technician_id)
        assert (told.reason, told.rank, told.score, told.parts, told.distance_m) == (
            row.reason, row.rank, row.score, row.parts, row.distance_m,
        )  # fmt: skip


async def test_a_node_of_the_version_before_still_writes_them_one_by_one(world: World) -> None:
    one, other = await world.technician(), await world.technician()
    booking = await world.book(dispatch=False)
    verdicts = [
        [str(one), 1, "ranked_below", 0.5, {"distance": 0.5}, 100], [str(other), None, "offline", None, None, None],
    ]  # fmt: skip
    await world.execute(BEFORE, booking.id, verdicts)
    async with world.services.read() as conn:
        (attempt,) = await explain.attempts(conn, booking_id=booking.id)
        found = await explain.candidates(conn, attempt_ids=[attempt.id])
    assert [(c.technician_id, c.rank, c.reason, c.score, c.distance_m) for c in found] == [
        (one, 1, "ranked_below", 0.5, 100), (other, None, "offline", None, None),
    ]  # fmt: skip
    assert (await newest(world, other)).reason == "offline"
