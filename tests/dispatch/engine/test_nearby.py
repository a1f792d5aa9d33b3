"""Who is near, also across the 180th degree."""

from __future__ import annotations

from dispatch.engine import nearby
from tests.world import World


async def test_a_box_and_a_circle_reach_across_the_antimeridian(world: World) -> None:
    east = await world.technician(seen=False)
    west = await world.technician(seen=False)
    world.see(east, -16.0, 179.99)
    world.see(west, -16.0, -179.99)
    everybody = nearby.Filters()
    boxed = nearby.in_box(world.services, -17, 179.5, -15, -179.5, everybody)
    assert {one.technician.id for one in boxed} == {east, west}
    around = nearby.around(world.services, -16.0, 179.991, 5_000, everybody)
    assert [one.technician.id for one in around] == [east, west]
    assert around[0].distance_m is not None and around[0].distance_m < 200
