"""Services and categories that two change at once: what one wrote is not undone by the other."""

from __future__ import annotations

from dispatch.engine import offered
from dispatch.engine.catalogue import ServiceIn
from dispatch.engine.offered import CategoryIn
from dispatch.errors import Missing
from dispatch.events import Actor
from dispatch.services import Services
from tests.turns import one_after_the_other

STAFF = Actor("admin", "7")
HAIRCUT = ServiceIn("Haircut", "Hair", "Haircut", "Minimal", {"INR": (40_000, 50_000)})


async def test_two_who_change_one_service_at_once_both_do(services: Services) -> None:
    async with services.transaction() as tx:
        made = await offered.create(tx, HAIRCUT, STAFF)
    _, after = await one_after_the_other(
        services, lambda tx: offered.change(tx, made.id, STAFF, {"name": "Long cut"}, {}),
        lambda tx: offered.change(tx, made.id, STAFF, {}, {"INR": (45_000, None)}),
    )  # fmt: skip
    assert (after.name, after.prices[0]["price_minor"]) == ("Long cut", 45_000)
    _, gone = await one_after_the_other(
        services, lambda tx: offered.retire(tx, made.id, STAFF), lambda tx: offered.retire(tx, made.id, STAFF)
    )
    assert isinstance(gone, Missing)


async def test_two_who_change_one_category_at_once_both_do(services: Services) -> None:
    async with services.transaction() as tx:
        made = await offered.create_category(tx, CategoryIn("Hair"), STAFF)
    _, after = await one_after_the_other(
        services, lambda tx: offered.change_category(tx, made.id, STAFF, {"description": "Cut and dyed"}),
        lambda tx: offered.change_category(tx, made.id, STAFF, {"position": 3}),
    )  # fmt: skip
    assert (after.description, after.position) == ("Cut and dyed", 3)
