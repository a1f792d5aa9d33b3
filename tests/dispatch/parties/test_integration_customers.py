"""People for whom an app books: one for each phone, of that app alone, however many ask at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from dispatch.errors import Missing
from dispatch.localtime import local
from dispatch.parties import customers, integration_customers
from dispatch.parties.integration_customers import CustomerExists
from dispatch.services import Services, Tx
from storage.database.listing import Wanted
from storage.integration_customers import AppCustomer
from tests.dispatch.parties.test_integrations import STAFF, make, new
from tests.turns import one_after_the_other

PHONE = "+911234500001"


async def asked(services: Services, app: object, name: str = "Asha Sen") -> tuple[AppCustomer, bool]:
    async with services.transaction() as tx:
        return await integration_customers.create(tx, app.id, STAFF, name=name, phone=PHONE, email=None)  # type: ignore[attr-defined]


async def test_of_many_at_once_with_one_phone_one_is_made(services: Services) -> None:
    app = await make(services, new())
    made = await asyncio.gather(*(asked(services, app, f"Asha {n}") for n in range(8)))
    assert len({customer.id for customer, _ in made}) == 1
    assert [is_new for _, is_new in made].count(True) == 1
    assert len({customer.name for customer, _ in made}) == 1, "whoever came first named them"


async def test_each_app_has_a_customer_of_its_own(services: Services) -> None:
    one, other = await make(services, new()), await make(services, new("dev@other.example"))
    (mine, _), (theirs, is_new) = await asked(services, one), await asked(services, other)
    assert mine.id != theirs.id and is_new
    async with services.read() as conn:
        with pytest.raises(Missing):
            await integration_customers.get(conn, one.id, theirs.id)
        with pytest.raises(Missing):
            await integration_customers.check(conn, other.id, mine.id)


async def test_who_was_forgotten_begins_anew(services: Services) -> None:
    app = await make(services, new())
    first, _ = await asked(services, app)
    async with services.transaction() as tx:
        await integration_customers.forget(tx, app.id, first.id, STAFF)
    second, is_new = await asked(services, app)
    assert is_new and second.id != first.id


async def change(services: Services, app: object, id: object, **changes: str | None) -> AppCustomer:
    async with services.transaction() as tx:
        return await integration_customers.change(tx, app.id, id, STAFF, changes)  # type: ignore[attr-defined, arg-type]


async def test_what_an_app_wrote_of_its_customer_it_can_mend(services: Services) -> None:
    """A slip in the address would send every letter about their bookings to somebody else."""
    app, other = await make(services, new()), await make(services, new("dev@other.example"))
    made, _ = await asked(services, app)
    after = await change(services, app, made.id, email="asha@mail.example")
    assert (after.name, after.phone, after.email) == ("Asha Sen", PHONE, "asha@mail.example")
    after = await change(services, app, made.id, name="Asha Rao", phone="+911234500009", email=None)
    assert (after.name, after.phone, after.email) == ("Asha Rao", "+911234500009", None)
    assert (await change(services, app, made.id)) == after == await change(services, app, made.id, phone=after.phone)
    second, is_new = await asked(services, app)
    assert is_new, "the phone is free again"
    with pytest.raises(CustomerExists) as refused:
        await change(services, app, second.id, name="Nobody", phone=after.phone)
    assert refused.value.details == {"customerId": str(made.id)}
    with pytest.raises(Missing):
        await change(services, other, made.id, name="Theirs")
    async with services.read() as conn:
        assert await integration_customers.get(conn, app.id, made.id) == after
        assert (await integration_customers.get(conn, app.id, second.id)).name == "Asha Sen"


async def test_who_is_being_forgotten_gets_no_name_again(services: Services) -> None:
    app = await make(services, new())
    made, _ = await asked(services, app)

    async def forget(tx: Tx) -> None:
        await integration_customers.forget(tx, app.id, made.id, STAFF)

    async def rename(tx: Tx) -> AppCustomer:
        return await integration_customers.change(tx, app.id, made.id, STAFF, {"name": "Asha Rao", "phone": "+9112"})

    _, refused = await one_after_the_other(services, forget, rename)
    assert isinstance(refused, Missing)
    async with services.read() as conn:
        assert await conn.fetchval("SELECT name FROM accounts WHERE id = $1", made.id) != "Asha Rao"
        assert (await conn.fetchval("SELECT phone FROM integration_customers")).startswith("erased")


@pytest.mark.parametrize("count", [8])
async def test_of_many_who_take_one_phone_at_once_one_gets_it(services: Services, count: int) -> None:
    app = await make(services, new())
    people = []
    for n in range(count):
        async with services.transaction() as tx:
            people.append((await integration_customers.create(
                tx, app.id, STAFF, name="Asha", phone=f"+91123460000{n}", email=None
            ))[0])  # fmt: skip
    done = await asyncio.gather(*(change(services, app, p.id, phone=PHONE) for p in people), return_exceptions=True)
    assert sorted(type(d).__name__ for d in done) == ["AppCustomer", *["CustomerExists"] * (count - 1)]


async def test_they_are_found_by_names_addresses_and_phones_as_these_are_now(services: Services) -> None:
    app, other = await make(services, new()), await make(services, new("dev@other.example"))
    (made, _), _ = await asked(services, app), await asked(services, other)

    async def found(said: str) -> list[AppCustomer]:
        async with services.read() as conn:
            return (await integration_customers.page(conn, app.id, Wanted(search=said), "UTC")).rows

    for said in ("ash", "sen asha", PHONE, PHONE[-5:], PHONE[:6]):
        assert [one.id for one in await found(said)] == [made.id], said
    assert await found("99999") == [] == await found("asha@mail.example")
    async with services.transaction() as tx:
        await customers.fill_profile(tx, made.id, "Somebody", "asha@mail.example")
    assert [one.email for one in await found("asha@mail.example")] == ["asha@mail.example"]
    async with services.transaction() as tx:
        await integration_customers.forget(tx, app.id, made.id, STAFF)
    assert await found("ash") == []
    again, _ = await asked(services, app, "Rita Rao")
    assert [one.id for one in await found(PHONE)] == [again.id]


async def test_days_are_those_of_a_time_zone(services: Services) -> None:
    app = await make(services, new())
    made, _ = await asked(services, app)
    for timezone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        day = local(made.created_at, timezone).date()
        async with services.read() as conn:
            for start, count in ((day, 1), (day + timedelta(days=1), 0)):
                wanted = Wanted(filters={"date_from": start, "date_to": start})
                found = await integration_customers.page(conn, app.id, wanted, timezone)
                assert len(found.rows) == count, (timezone, start)
