"""A file of partners is read, or refused; its rows are made one by one, however often it is begun, none twice."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from dispatch.engine import tasks
from dispatch.errors import Invalid
from dispatch.loops import end
from dispatch.parties import custom_fields, partner_imports, trade_partners
from dispatch.parties.partner_imports import AT_ONCE, MOST_ROWS, Row, read
from dispatch.parties.trade_partners import Form
from dispatch.process import crons
from dispatch.services import Services
from storage.database.listing import Wanted
from storage.partner_imports import Import, Outcome
from storage.trade_partners import every
from tests.trade import CLERK, add_partner, partner_now
from tests.turns import one_after_the_other, until_waiting


def test_lines_and_their_cells() -> None:
    text = "\ufeffname;code;phone\r\n\r\n\"A; B\";X1;'+33123\r\n;;\r\nC;'-x;\r\n"
    assert read(text.encode()) == [
        (3, {"name": "A; B", "code": "X1", "phone": "+33123"}), (5, {"name": "C", "code": "-x"}),
    ]  # fmt: skip
    assert read(b"name,code\nA,1,,\nB,2\n") == [(2, {"name": "A", "code": "1"}), (3, {"name": "B", "code": "2"})]
    assert [line for line, _ in read(b'name,city\n"A\nB",x\n\nC,y\n')] == [2, 5]
    assert read(b"name,note\nx,'quoted\n") == [(2, {"name": "x", "note": "'quoted"})]


@pytest.mark.parametrize("content", [
    b"", b"name\n", b"\n", b"\xff\xfe", ("name\n" + "x\n" * (MOST_ROWS + 1)).encode(), ("a," * 301).encode(),
    b"name,code,code\nA,1,2\n", b'name,code\n"A,1\nB,2\n', b"name,phone\nAcme, Inc,+919876543210\n",
])  # fmt: skip
def test_refused(content: bytes) -> None:
    with pytest.raises(Invalid) as error:
        read(content)
    assert "file" in error.value.fields


@pytest.mark.parametrize(("content", "line"), [
    (b'name,code\nA,1\n"B,2\nC,3\n', 3), (b'name,code\nA,1\n"B" x,2\n', 3), (b'"name\nA\n', 1),
    (b'name,code\n"A\nB",1\n"C,2\n', 4), (b"name,code\nA,1\nB,2,3\n", 3),
])  # fmt: skip
def test_what_is_refused_names_its_line(content: bytes, line: int) -> None:
    with pytest.raises(Invalid) as error:
        read(content)
    assert f"Line {line} " in error.value.message


def row(line: int, **columns: Any) -> Row:
    return Row(line, Form(columns, columns.pop("custom_fields", {}), columns.pop("payment_term_id", None)))


async def begun(
    services: Services, rows: list[Row], *, updates: bool = False, asked: bytes | None = None
) -> Import:
    async with services.transaction() as tx:
        return await partner_imports.begin(tx, CLERK, rows, may_credit=True, updates=updates, asked=asked)


async def outcomes(services: Services, import_id: UUID) -> tuple[str, list[Outcome]]:
    async with services.read() as conn:
        found, rows = await partner_imports.get(conn, import_id)
    return found.state, rows


async def partners(services: Services) -> int:
    async with services.read() as conn:
        return (await every.page(conn, Wanted(limit=1))).total


async def test_an_import_that_died_is_gone_on_with_and_makes_nobody_twice(services: Services) -> None:
    known = await add_partner(services, code="KNOWN")
    rows = [row(n, name=f"Partner {n}", **({"code": "KNOWN"} if n == 8 else {})) for n in range(2, 14)]
    made = await begun(services, rows, updates=True)
    async with services.transaction() as tx:
        # Somebody else changes the partner of the seventh row: there it waits, and dies.
        await trade_partners.lock(tx, known.no)
        first = asyncio.create_task(partner_imports.process(services, made.id))
        await until_waiting(services, first)
        await end([first])
    state, done = await outcomes(services, made.id)
    assert (state, [o.result for o in done]) == ("processing", ["created"] * 6 + ["pending"] * 6)
    await asyncio.gather(*(partner_imports.process(services, made.id) for _ in range(2)))
    state, done = await outcomes(services, made.id)
    assert (state, [o.line for o in done]) == ("completed", list(range(2, 14)))
    assert [o.result for o in done] == ["created"] * 6 + ["updated"] + ["created"] * 5
    assert len({o.partner_no for o in done}) == 12 == await partners(services)
    await partner_imports.process(services, made.id)
    assert await partners(services) == 12


async def test_a_request_that_is_repeated_goes_on_with_the_import_that_it_began(services: Services) -> None:
    """Also where the first died before it was answered, and where both come at once."""
    rows = [row(n, name=f"Partner {n}") for n in range(2, 5)]
    first = await begun(services, rows, asked=b"this")
    assert (await begun(services, rows, asked=b"this")).id == first.id
    one, two = await one_after_the_other(
        services, *(
            lambda tx: partner_imports.begin(tx, CLERK, rows, may_credit=True, updates=False, asked=b"that")
            for _ in range(2)
        ),
    )  # fmt: skip
    assert one.id == two.id != first.id
    for made in (first, first, one):
        await partner_imports.process(services, made.id)
    assert await partners(services) == 6


async def test_what_the_database_refuses_is_a_row_that_failed(services: Services) -> None:
    """And so is what a rule refuses; the rows beside it are made, with all that was given."""
    known = await add_partner(services, code="KNOWN")
    async with services.transaction() as tx:
        field = await custom_fields.create(tx, CLERK, custom_fields.FieldIn("partner", "size", "Size", "number"))
    rows = [
        row(2, name="Too much", credit_limit_minor=2**63),
        row(3, name="Taken", code="OTHER"),
        row(4, name="Taken", code="OTHER"),
        row(5, name="Renamed", code="KNOWN", organisation_id=None),
        row(6, name="Whole", custom_fields={str(field.id): "7"}, payment_term_id=2, is_b2b=True),
        Row(7, None, {"status": ["There is no such status."]}),
        row(8, name="x", payment_term_id=999),
    ]
    made = await begun(services, rows, updates=True)
    await partner_imports.process(services, made.id)
    state, done = await outcomes(services, made.id)
    assert state == "completed"
    assert [o.result for o in done] == ["failed", "created", "updated", "updated", "created", "failed", "failed"]
    assert done[2].partner_no == done[1].partner_no and done[3].partner_no == known.no
    assert all(o.message and o.message.endswith(".") for o in done if o.result == "failed")
    assert done[5].errors.keys() == {"status"} and done[6].errors.keys() == {"payment_term_id"}
    assert done[4].partner_no is not None
    whole = await partner_now(services, done[4].partner_no)
    assert (whole.is_b2b, whole.payment_term_id) == (True, 2)
    async with services.read() as conn:
        assert (await custom_fields.of(conn, "partner", [str(whole.no)]))[str(whole.no)][0].value == "7"


async def test_a_long_file_is_a_tasks(services: Services) -> None:
    made = await begun(services, [Row(n, None, {"name": ["A name is required."]}) for n in range(2, AT_ONCE + 3)])
    async with services.transaction() as tx:
        task_id = await tasks.enqueue(tx, partner_imports.TASK, key=f"{partner_imports.TASK}:{made.id}")
    assert await tasks.work(services, crons.HANDLERS, task_id) is None
    state, done = await outcomes(services, made.id)
    assert state == "completed" and {o.result for o in done} == {"failed"} and len(done) == AT_ONCE + 1
