"""A department that is deleted while somebody joins it."""

from __future__ import annotations

from dispatch.errors import Missing
from dispatch.parties import departments, members
from dispatch.parties.departments import DepartmentInUse
from dispatch.parties.members import NewMember
from dispatch.services import Services
from tests.organisations import add_organisation
from tests.turns import one_after_the_other


async def test_nobody_joins_what_is_deleted_meanwhile(services: Services) -> None:
    home = await add_organisation(services)
    place = await home.department("Works")
    new = NewMember("P", "1", "p1@example.com", department_id=place.id)
    _, refused = await one_after_the_other(
        services, lambda tx: departments.delete(tx, home.id, place.id),
        lambda tx: members.enrol(tx, home.by, new, "Org"),
    )  # fmt: skip
    assert isinstance(refused, Missing)


async def test_what_somebody_joins_meanwhile_is_not_deleted(services: Services) -> None:
    home = await add_organisation(services)
    place = await home.department("Works")
    new = NewMember("P", "1", "p1@example.com", department_id=place.id)
    _, refused = await one_after_the_other(
        services, lambda tx: members.enrol(tx, home.by, new, "Org"),
        lambda tx: departments.delete(tx, home.id, place.id),
    )  # fmt: skip
    assert isinstance(refused, DepartmentInUse)
