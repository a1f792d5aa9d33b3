"""The audit's mark: what is new is read, what was found is found again, and nobody moves it in the database."""

from __future__ import annotations

import asyncio

import pytest

from dispatch.engine import audit_checks
from dispatch.engine.audit_checks import Checked
from dispatch.services import Services
from tests.dispatch.engine.test_audit import proof, some, tamper

#: What somebody does who may do everything in the database: one entry is another, and all links are made to fit.
WRITTEN_ANEW = """
DO $$ DECLARE entry audit_log; BEGIN
  UPDATE audit_log SET changes = '{"n": 99}' WHERE resource_id = '1';
  DELETE FROM audit_chain;
  UPDATE audit_head SET seq = 0, hash = '';
  FOR entry IN SELECT * FROM audit_log ORDER BY id LOOP PERFORM audit_chain_on(entry); END LOOP;
END $$"""


async def checked(services: Services) -> Checked:
    async with services.transaction() as tx:
        return await audit_checks.check(tx)


async def proved(services: Services) -> list[str]:
    async with services.transaction() as tx:
        return await audit_checks.prove(tx)


def read(found: Checked) -> tuple[int, int, int, int]:
    assert found.findings == []
    return found.marked, found.first, found.last, found.again


async def test_what_is_new_is_read_and_what_was_whole_only_in_part(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(await checked(services)) == (0, 1, 0, 0)
    await some(services, 5)
    assert read(await checked(services)) == (0, 1, 5, 0)
    assert read(await checked(services)) == (5, 6, 5, 5)
    await some(services, 4)
    monkeypatch.setattr(audit_checks, "MOST_NEW", 3)
    monkeypatch.setattr(audit_checks, "WINDOWS", 2)
    monkeypatch.setattr(audit_checks, "WINDOW", 2)
    assert [read(await checked(services)) for _ in range(3)] == [(5, 6, 8, 4), (8, 9, 9, 4), (9, 10, 9, 4)]
    # Whoever proves all of it moves the mark to the end.
    await some(services, 6)
    assert await proved(services) == []
    assert read(await checked(services))[0] == 15
    # Of many at once each answers, and the mark is where it was.
    await asyncio.gather(*(checked(services) for _ in range(3)))
    assert read(await checked(services))[0] == 15


async def test_what_was_changed_before_the_mark_is_found_and_stays_found(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    await some(services, 8)
    await checked(services)
    await tamper(services, "UPDATE audit_log SET changes = '{\"n\": 99}' WHERE resource_id = '5'")
    monkeypatch.setattr(audit_checks, "WINDOWS", 0)
    assert (await checked(services)).findings == [], "nothing old is looked at here, and the command still finds it"
    for _ in range(2):
        (told,) = await proved(services)
        assert "number 6) was changed" in told
    monkeypatch.setattr(audit_checks, "WINDOWS", 10)
    assert len((await checked(services)).findings) == 1
    # Found by chance once, it is found every time.
    monkeypatch.setattr(audit_checks, "WINDOWS", 0)
    for _ in range(2):
        found = await checked(services)
        assert len(found.findings) == 1 and found.marked < 6


async def test_what_is_new_and_changed_holds_the_mark(services: Services) -> None:
    await some(services, 4)
    await checked(services)
    await some(services, 2)
    await tamper(services, "DELETE FROM audit_log WHERE id = (SELECT max(id) FROM audit_log)")
    await tamper(services, "INSERT INTO audit_log (realm, action, resource_type) VALUES ('admin', 'forged', 'thing')")
    for _ in range(2):
        found = await checked(services)
        assert found.marked == 4 and len(found.findings) == 2


async def test_a_chain_that_was_written_anew_differs_from_its_mark(services: Services) -> None:
    await some(services, 6)
    await checked(services)
    await tamper(services, WRITTEN_ANEW)
    assert await proof(services) == [], "every link fits the one before"
    await some(services, 2)
    for _ in range(2):
        for findings in ((await checked(services)).findings, await proved(services)):
            assert len(findings) == 1 and "written anew" in findings[0]


async def test_a_mark_that_somebody_else_moved_is_not_believed(services: Services) -> None:
    await some(services, 6)
    await checked(services)
    await tamper(services, WRITTEN_ANEW)
    await tamper(services, "UPDATE audit_mark SET seq = h.seq, hash = h.hash FROM audit_head h")
    for _ in range(2):
        found = await checked(services)
        assert (found.marked, found.first, found.last) == (0, 1, 6)
        assert len(found.findings) == 1 and "not this server's" in found.findings[0]
    # A person who reads everything hears it, and begins anew.
    (told,) = await proved(services)
    assert "not this server's" in told
    assert await proved(services) == [] and read(await checked(services))[0] == 6


async def test_an_end_that_was_cut_off_with_its_head_is_missed(services: Services) -> None:
    await some(services, 6)
    await checked(services)
    await tamper(services, """
        DELETE FROM audit_chain WHERE seq > 4;
        DELETE FROM audit_log a WHERE NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = a.id);
        UPDATE audit_head SET (seq, hash) = (SELECT seq, hash FROM audit_chain WHERE seq = 4)
    """)  # fmt: skip
    assert await proof(services) == []
    for findings in ((await checked(services)).findings, await proved(services)):
        assert findings == ["Of the audit numbers 5 to 6, which were there before: missing."]
