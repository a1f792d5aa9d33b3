"""Places of programs: where their services are done."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from dispatch.billing import bulk_places
from dispatch.billing.bulk_places import Place
from dispatch.engine import audit
from dispatch.errors import Conflict, Missing
from dispatch.parties import programs
from dispatch.parties.members import By
from dispatch.services import Services, Tx
from storage import program_places as rows
from storage.database.errors import StorageError, is_unique
from storage.database.pool import Conn
from storage.program_places import ProgramPlace

#: A program has so many places at most, as many as one series is booked for.
MOST_PLACES = 200


class TooManyPlaces(Conflict):
    """This program has as many places as a program can have: remove one of them first."""

    code = "too_many_places"


class PlaceKnown(Conflict):
    """A place of this name is registered already."""

    code = "place_known"


async def register(services: Services, by: By, program_id: UUID, place: Place) -> ProgramPlace:
    """Raises Missing, PlaceKnown, TooManyPlaces, and Invalid for one that nobody can find."""
    await bulk_places.located(services, [place])
    async with services.transaction() as tx:
        program = await programs.get(tx.conn, by.organisation_id, program_id)
        try:
            place_id = await rows.insert(
                tx.conn, program_id=program.id, name=place.name, place=asdict(place), most=MOST_PLACES
            )
        except StorageError as e:
            if is_unique(e):
                raise PlaceKnown from e
            raise
        if place_id is None:
            raise TooManyPlaces
        await audit.record(tx, by.actor, "program.place", "program", program.id)
        return ProgramPlace(place_id, place.name, asdict(place))


async def of_program(conn: Conn, organisation_id: UUID, program_id: UUID) -> list[ProgramPlace]:
    """By name. Raises Missing."""
    program = await programs.get(conn, organisation_id, program_id)
    return await rows.of_program(conn, program_id=program.id)


async def delete(tx: Tx, by: By, program_id: UUID, place_id: UUID) -> None:
    """What is booked there already stays. Raises Missing."""
    program = await programs.get(tx.conn, by.organisation_id, program_id)
    if await rows.delete(tx.conn, id=place_id, program_id=program.id) is None:
        raise Missing("place")
