"""Enrolling from a table: what a row may hold, that one bad row stops nothing, that many are a task's."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest

from dispatch.engine import tasks
from dispatch.errors import Invalid
from dispatch.parties import departments, enrolments, organisations
from dispatch.parties.departments import DepartmentIn
from dispatch.parties.enrolments import MOST_ROWS, NotATable, Sheet, read_rows
from dispatch.process.crons import HANDLERS
from dispatch.services import Services
from storage import enrolments as rows
from tests.organisations import Home, add_organisation
from tests.turns import until_waiting

HEADING = "firstName,lastName,email,employeeId,department,phoneNumber\n"


def table(*lines: str, heading: str = HEADING) -> Sheet:
    return Sheet(io.BytesIO((heading + "\n".join(lines)).encode()))


async def enrolled(services: Services, home: Home, sheet: Sheet) -> tuple[Any, dict[int, str | None]]:
    async with services.transaction() as tx:
        begun = await enrolments.begin(tx, home.by, sheet)
    await enrolments.process(services, begun.id)
    async with services.read() as conn:
        found, _ = await enrolments.results(conn, begun.id)
        return await enrolments.get(conn, home.by, begun.id), {r.row: r.error for r in found}


async def test_one_bad_row_stops_nothing(services: Services) -> None:
    home = await add_organisation(services)
    place = await home.department("Engineering", code="ENG")
    done, errors = await enrolled(services, home, table(
        "John,Doe,john@abc.example,EMP001,Engineering,+639171234567",
        "Jane,Smith,jane@abc.example,EMP002,eng,",
        "",
        "Bad,Mail,invalid@email,EMP003,,",
        "Twice,Doe,JOHN@abc.example,EMP004,,",
        "Same,Id,same@abc.example,emp002,,",
        '"=HYPERLINK(""x"")",Doe,f@abc.example,,,',
        "No,Where,no@abc.example,,Nowhere,",
        ",Nameless,nameless@abc.example,,,",
        "Ph,One,phone@abc.example,,,12",
        f"{'x' * 300},Long,long@abc.example,,,",
    ))  # fmt: skip
    assert (done.state, done.total, done.successful, done.failed) == ("completed", 10, 2, 8)
    assert errors == {
        1: None, 2: None, 3: "This is not an e-mail address.",
        4: "Somebody with this e-mail address is a member already.",
        5: "Somebody with this employee id is a member already.", 6: "This cell holds a formula; only text is taken.",
        7: "There is no department 'Nowhere'.", 8: "First name must not be empty.", 9: "This is not a phone number.",
        10: "First name must be at most 200 characters.",
    }  # fmt: skip
    async with services.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM members WHERE department_id = $1", place.id) == 2
        assert await conn.fetchval("SELECT member_count FROM organisations WHERE id = $1", home.id) == 3


async def test_optional_columns_in_any_order(services: Services) -> None:
    home = await add_organisation(services)
    heading = "email,hireDate,employmentStatus,lastName,firstName,segment\n"
    done, errors = await enrolled(services, home, table(
        "a@b.example,2024-02-29,regular,A,B,Barangay 1", "b@b.example,29/02/2024,regular,A,B,", heading=heading,
    ))  # fmt: skip
    assert errors == {1: None, 2: "Hire date must be a date such as 2026-01-31."} and done.successful == 1
    async with services.read() as conn:
        row = await conn.fetchrow("SELECT * FROM members WHERE email = 'a@b.example'")
    assert (str(row["hired_on"]), row["employment_status"], row["segment"]) == ("2024-02-29", "regular", "Barangay 1")


async def test_the_tier_fills_in_the_middle(services: Services) -> None:
    home = await add_organisation(services, expected_users=10)
    _, errors = await enrolled(services, home, table(*(f"P,Q,p{n}@q.example,,," for n in range(60))))
    assert [n for n, e in errors.items() if e is None] == list(range(1, 50))
    assert errors[50] == "Your plan has no room for more members; ask your account manager for a higher one."


async def test_many_are_a_task_s_and_are_enrolled_once(services: Services) -> None:
    home = await add_organisation(services, expected_users=5000)
    async with services.transaction() as tx:
        begun = await enrolments.begin(tx, home.by, table(*(f"P,{n},p{n}@t.example,,," for n in range(250))))
    assert (begun.state, begun.total, begun.successful) == ("processing", 250, 0)
    async with services.read() as conn:
        task_id = await conn.fetchval("SELECT id FROM tasks WHERE kind = $1", enrolments.TASK)
    assert await tasks.work(services, HANDLERS, task_id) is None
    async with services.read() as conn:
        task = await tasks.get(conn, task_id, f"organisation:{home.id}")
        done = await enrolments.get(conn, home.by, begun.id)
    assert (task.state, task.done, task.total) == ("done", 250, 250)
    assert (done.state, done.successful, done.failed) == ("completed", 250, 0)
    await enrolments.process(services, begun.id)
    async with services.read() as conn:
        assert await conn.fetchval("SELECT member_count FROM organisations WHERE id = $1", home.id) == 251


async def test_a_small_table_goes_on_where_whoever_sent_it_was_interrupted(services: Services) -> None:
    home = await add_organisation(services)
    async with services.transaction() as tx:
        begun = await enrolments.begin(tx, home.by, table("John,Doe,john@late.example,,,"))
    async with services.read() as conn:
        [due] = await conn.fetch("SELECT id FROM tasks WHERE payload ->> 'enrolment_id' = $1", str(begun.id))
    assert await tasks.work(services, HANDLERS, due["id"]) is None
    async with services.read() as conn:
        done = await enrolments.get(conn, home.by, begun.id)
    assert (done.state, done.successful) == ("completed", 1)


@pytest.mark.parametrize(("content", "says"), [
    (b"name,mail\nA,b@c\n", "has to name the columns"), (b"", "has to name the columns"),
    (HEADING.encode() + "Jos\u00e9,A,b@c.example,,,\n".encode("latin-1"), "not written in UTF-8"),
    (b"firstName,lastName,email,salary\n", "There is no column 'salary'"),
    (b"firstName,lastName,email,email\n", "names a column twice"), (HEADING.encode() + b'"open,b\n', "no table"),
    (b"PK\x03\x04\x14\x00\xff\xfe", "UTF-8"),
])  # fmt: skip
def test_what_is_no_table(content: bytes, says: str) -> None:
    with pytest.raises(NotATable, match=says):
        list(read_rows(io.BytesIO(content)))


def test_a_table_has_so_many_rows() -> None:
    line = "A,B,a@b.example,,,\n"
    assert len(list(read_rows(io.BytesIO((HEADING + line * MOST_ROWS).encode())))) == MOST_ROWS
    with pytest.raises(Invalid, match="at most 10,000 rows"):
        list(read_rows(io.BytesIO((HEADING + line * (MOST_ROWS + 1)).encode())))


async def test_two_who_go_on_with_one_table_take_each_row_once(services: Services) -> None:
    """A node that was thought dead, and the one that took its task over."""
    home = await add_organisation(services)
    async with services.transaction() as tx:
        sheet = table("John,Doe,john@abc.example,,,", "Jane,Doe,jane@abc.example,,,")
        begun = await enrolments.begin(tx, home.by, sheet)
    async with services.transaction() as tx:
        held = await rows.next_rows(tx.conn, enrolment_id=begun.id, most=10)
        late = asyncio.create_task(enrolments.process(services, begun.id))
        await until_waiting(services, late)
        numbers = [r.row for r in held]
        await rows.settle(
            tx.conn, enrolment_id=begun.id, numbers=numbers, members=[None] * 2, errors=["Not this time."] * 2
        )
    await late
    async with services.read() as conn:
        found, _ = await enrolments.results(conn, begun.id)
        done = await enrolments.get(conn, home.by, begun.id)
        members = await conn.fetchval("SELECT member_count FROM organisations WHERE id = $1", home.id)
    assert [r.error for r in found] == ["Not this time."] * 2 and members == 1
    assert (done.state, done.successful, done.failed) == ("completed", 0, 2)


async def test_a_table_waits_for_whoever_changes_its_department(services: Services) -> None:
    """Both need the department and its organisation, and neither waits for both."""
    home = await add_organisation(services)
    place = await home.department("Engineering", code="ENG")
    async with services.transaction() as tx:
        begun = await enrolments.begin(tx, home.by, table("John,Doe,john@abc.example,,ENG,"))
    async with services.transaction() as tx:
        await organisations.lock(tx, home.id)
        task = asyncio.create_task(enrolments.process(services, begun.id))
        await until_waiting(services, task)
        await departments.change(
            tx, home.id, place.id, DepartmentIn("Engineers", "ENG"), today=tx.now.date(), set_by="a test"
        )
    await task
    async with services.read() as conn:
        done = await enrolments.get(conn, home.by, begun.id)
    assert (done.state, done.successful) == ("completed", 1)
