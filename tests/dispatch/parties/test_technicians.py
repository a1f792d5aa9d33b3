"""Two who are taken on at once: one phone and one Aadhaar number are one technician's."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from dispatch.engine import bookings, offers, presence
from dispatch.engine.presence import Shift
from dispatch.errors import Conflict
from dispatch.events import Actor
from dispatch.parties import technicians
from dispatch.parties.technicians import AadhaarTaken, PhoneTaken, Profile
from dispatch.services import Tx
from dispatch.vault import vault_of
from storage import technicians as rows
from tests.turns import one_after_the_other
from tests.world import World

STAFF = Actor("admin", "7")
SHIFTS = [Shift([1, 2, 3], 480, 1200)]


async def create(world: World, phone: str, **given: Any) -> Any:
    async with world.services.transaction() as tx:
        return await technicians.create(tx, Profile("Asha", phone, ["Facial"], ["Minimal"]), SHIFTS, STAFF, **given)


@pytest.mark.parametrize(("phones", "error"), [(("+919812300001",) * 4, PhoneTaken), (None, AadhaarTaken)])
async def test_of_four_at_once_one_is_taken_on(world: World, phones: Any, error: type[Conflict]) -> None:
    numbers = phones or [f"+91981230000{n}" for n in range(4)]
    aadhaar = None if phones else "999941057058"
    done = await asyncio.gather(
        *(create(world, number, aadhaar=aadhaar) for number in numbers), return_exceptions=True
    )  # fmt: skip
    assert sum(isinstance(one, error) for one in done) == 3
    assert await world.value("SELECT count(*) FROM parties WHERE kind = 'technician'") == 1
    assert await world.value("SELECT last_value FROM document_sequences WHERE code = 'PT'") == 1


async def put_online(world: World, technician_id: UUID) -> None:
    async with world.services.transaction() as tx:
        await presence.set_available(tx, technician_id, True)
        await presence.set_working_hours(tx, technician_id, SHIFTS)


async def test_hours_are_set_while_the_file_is_being_changed(world: World) -> None:
    """Each has begun with a row that the other comes to: they must not wait for each other."""
    made = await create(world, "+919812300001")
    async with world.services.transaction() as tx:
        await rows.lock(tx.conn, technician_id=made.id)
        await asyncio.wait_for(put_online(world, made.id), 60)


async def test_whoever_accepts_while_the_file_is_being_changed_waits_for_it(world: World) -> None:
    """Accepting comes to the technician's row first and to what they are told last; changing the file does too."""
    one = await world.technician()
    for works in ((change_name, accept), (accept, change_name)):
        booking = await world.book()
        done = await one_after_the_other(
            world.services, *(partial(work, technician_id=one, booking_id=booking.id) for work in works)
        )
        assert not [answer for answer in done if isinstance(answer, Exception)], done
        async with world.services.transaction() as tx:
            await bookings.cancel(tx, booking.id, STAFF, None)


async def change_name(tx: Tx, technician_id: UUID, booking_id: UUID) -> Any:
    return await technicians.change(tx, technician_id, STAFF, {"name": "Asha"})


async def accept(tx: Tx, technician_id: UUID, booking_id: UUID) -> Any:
    return await offers.accept(tx, technician_id, await offers.offer_of(tx, technician_id, booking_id=booking_id))


async def test_a_pan_opens_in_its_own_row_only(world: World) -> None:
    one = await create(world, "+919812300001", pan="ABCDE1234F")
    other = await create(world, "+919812300002", pan="ZZZZZ9999Z")
    vault = vault_of(world.services.settings)
    assert technicians.pan_of(vault, one) == "XXXXXX234F"
    await world.execute("UPDATE technicians SET pan_enc = $1 WHERE id = $2", one.pan_enc, other.id)
    async with world.services.read() as conn:
        moved = await technicians.get(conn, other.id, "INR")
    with pytest.raises(Exception, match="cannot be opened"):
        technicians.pan_of(vault, moved)


async def test_two_who_change_one_technician_at_once_both_do(world: World) -> None:
    made = await create(world, "+919812300001")
    _, after = await one_after_the_other(
        world.services, lambda tx: technicians.change(tx, made.id, STAFF, {"email": "asha@example.com"}),
        lambda tx: technicians.change(tx, made.id, STAFF, {"name": "Asha Roy"}),
    )  # fmt: skip
    assert (after.email, after.name) == ("asha@example.com", "Asha Roy")


async def test_the_phone_of_until_now_hears_of_another_phone_and_of_where_pay_goes_from_now_on(world: World) -> None:
    """Whoever changes both in a technician's name would else be the only one who hears of it."""
    made = await create(world, "+919812300001")
    account = technicians.Account("1234567890", "HDFC0000001")
    async with world.services.transaction() as tx:
        await technicians.change(tx, made.id, STAFF, {"phone": "+919812300002"}, account=account)
    async with world.services.read() as conn:
        found = await conn.fetch("SELECT recipient, template FROM outbox WHERE channel = 'sms' ORDER BY template")
    assert [(row["recipient"], row["template"]) for row in found] == [
        ("+919812300001", "bank_account_changed"), ("+919812300001", "phone_changed"),
    ]  # fmt: skip
    async with world.services.transaction() as tx:
        await technicians.change(tx, made.id, STAFF, {"name": "Asha"}, account=account)
    told = await world.value("SELECT recipient FROM outbox WHERE template = 'bank_account_changed' ORDER BY id DESC")
    assert told == "+919812300002"
