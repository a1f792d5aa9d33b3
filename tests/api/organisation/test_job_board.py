"""The job board of a school: posted, applied for, decided; an accepted student begins as a technician."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from dispatch.engine import catalogue
from dispatch.engine.catalogue import ServiceIn
from dispatch.localtime import local
from dispatch.parties import members, technicians
from tests.api.organisation.conftest import Portal
from tests.organisations import Home, add_organisation

PATH = "/job-board"


@pytest.fixture(scope="module", autouse=True)
async def offered(portal: Portal) -> None:
    """What is offered where the schools are."""
    async with portal.services.transaction() as tx:
        for category, currency in (("Cleaning", "INR"), ("Repairs", "INR"), ("Massage", "NGN")):
            prices: dict[str, tuple[int, int | None]] = {currency: (60_000, None)}
            await catalogue.upsert_service(tx, ServiceIn(f"A {category}", category, category, "Minimal", prices))
POSTING = {"title": "Room cleaning", "description": "Weekends", "categories": ["Cleaning"], "tiers": ["Minimal"]}


async def post(portal: Portal, school: Home, **more: Any) -> str:
    made = await portal.call("POST", PATH, {**POSTING, **more}, headers=school.headers(), expect=201)
    return f"{PATH}/{made['data']['posting']['id']}"


async def apply(portal: Portal, school: Home, path: str, who: UUID, phone: str, *, expect: int = 201) -> Any:
    body = {"phoneNumber": phone, "message": "Saturdays"}
    made = await portal.call("POST", f"{path}/applications", body, headers=school.headers(who), expect=expect)
    return f"{PATH}/applications/{made['data']['application']['id']}" if expect == 201 else made


async def test_an_accepted_student_becomes_a_technician(portal: Portal) -> None:
    school = await add_organisation(portal.services, org_type="school")
    students = [await school.member() for _ in range(3)]
    hours = {"days": [6, 7], "start": "10:00", "end": "16:00"}
    path = await post(portal, school, openings=1, workingHours=hours)
    mine, theirs = [await apply(portal, school, path, students[n], f"+9198123400{n:02}") for n in (0, 1)]
    again = await apply(portal, school, path, students[0], "+919812340000", expect=409)
    assert again["error"]["code"] == "ALREADY_APPLIED"
    # Students see the board and what is theirs, and decide on nothing.
    student = school.headers(students[0])
    [listed] = (await portal.call("GET", PATH, headers=student))["data"]["postings"]
    assert (listed["status"], listed["applications"], listed["workingHours"]) == ("open", 2, hours)
    own = (await portal.call("GET", f"{PATH}/applications/own", headers=student))["data"]["applications"]
    assert [a["status"] for a in own] == ["applied"]
    for method, other in (("GET", f"{path}/applications"), ("POST", f"{mine}/accept"), ("POST", f"{path}/close")):
        await portal.call(method, other, {}, headers=student, expect=403)
    await portal.call("POST", f"{theirs}/withdraw", headers=student, expect=404)
    applied = (await portal.call("GET", f"{path}/applications", headers=school.headers()))["data"]["applications"]
    assert {a["name"] for a in applied} == {a["name"] for a in applied if a["phoneNumber"].startswith("+91981234")}

    # Two at once: one opening, one technician.
    async def decide(one: str) -> int:
        async with portal.client.post(f"/api/partners{one}/accept", json={}, headers=school.headers()) as reply:
            return reply.status

    assert sorted(await asyncio.gather(decide(mine), decide(theirs))) == [200, 409]
    found = (await portal.call("GET", f"{path}/applications", headers=school.headers()))["data"]["applications"]
    [taken] = [a for a in found if a["status"] == "accepted"]
    async with portal.services.read() as conn:
        made = await technicians.get(conn, UUID(taken["technician"]), "INR")
        told = await conn.fetchval("SELECT count(*) FROM outbox WHERE template = 'job_accepted'")
    assert (made.categories, made.phone, told) == (["Cleaning"], taken["phoneNumber"], 1)
    assert made.onboarding_status != "verified" and "10:00" in str(made.working_hours)
    # All is taken: nobody applies any more, and the board says so.
    await apply(portal, school, path, students[2], "+919812340009", expect=409)
    for status, count in (("open", 0), ("closed", 1)):
        listed = (await portal.call("GET", f"{PATH}?status={status}", headers=student))["data"]["postings"]
        assert len(listed) == count
    left = next(one for one in (mine, theirs) if taken["id"] not in one)
    await portal.call("POST", f"{left}/reject", {"reason": "Next time"}, headers=school.headers())
    await portal.call("POST", f"{left}/accept", {}, headers=school.headers(), expect=409)


async def test_who_is_no_member_any_more_is_not_accepted(portal: Portal) -> None:
    school = await add_organisation(portal.services, org_type="school")
    gone, away, stays = [await school.member() for _ in range(3)]
    path = await post(portal, school, openings=2)
    everybody = (gone, away, stays)
    made = {who: await apply(portal, school, path, who, f"+9198123430{n:02}") for n, who in enumerate(everybody)}
    async with portal.services.transaction() as tx:
        await members.apply_status(tx, school.id, gone, "removed", None)
        await members.apply_status(tx, school.id, away, "suspended", None)
    listed = await portal.call("GET", f"{path}/applications", headers=school.headers())
    shown = {UUID(a["user"]): a["isMember"] for a in listed["data"]["applications"]}
    assert shown == {gone: False, away: False, stays: True}
    for who in (gone, away):
        refused = await portal.call("POST", f"{made[who]}/accept", {}, headers=school.headers(), expect=409)
        assert refused["error"]["code"] == "NOT_A_MEMBER"
    # It can be rejected, and whoever is back is accepted.
    await portal.call("POST", f"{made[gone]}/reject", {}, headers=school.headers())
    async with portal.services.transaction() as tx:
        await members.apply_status(tx, school.id, away, "active", None)
    await portal.call("POST", f"{made[away]}/accept", {}, headers=school.headers())
    shown = (await portal.call("GET", path, headers=school.headers()))["data"]["posting"]
    assert (shown["accepted"], shown["status"]) == (1, "open"), "what was refused took no opening"


async def test_nobody_applies_when_the_last_day_is_over(portal: Portal) -> None:
    school = await add_organisation(portal.services, org_type="school")
    early, late = [await school.member() for _ in range(2)]
    past = {**POSTING, "closesOn": "2020-01-01"}
    refused = await portal.call("POST", PATH, past, headers=school.headers(), expect=422)
    assert set(refused["error"]["details"]) == {"closesOn"}
    today = local(portal.services.clock.now(), "Asia/Kolkata").date()
    path = await post(portal, school, closesOn=today.isoformat())
    made = await apply(portal, school, path, early, "+919812343100")
    async with portal.services.transaction() as tx:
        await tx.conn.execute("UPDATE job_postings SET closes_on = closes_on - 1 WHERE organisation_id = $1", school.id)
    refused = await apply(portal, school, path, late, "+919812343101", expect=409)
    assert refused["error"]["code"] == "POSTING_CLOSED"
    for status, count in (("open", 0), ("closed", 1)):
        listed = (await portal.call("GET", f"{PATH}?status={status}", headers=school.headers()))["data"]["postings"]
        assert [p["status"] for p in listed] == [status] * count
    # Who applied in time is still decided on.
    await portal.call("POST", f"{made}/accept", {}, headers=school.headers())


async def test_a_decision_is_made_once(portal: Portal) -> None:
    school = await add_organisation(portal.services, org_type="school")
    path = await post(portal, school, openings=5)
    students = [await school.member() for _ in range(3)]
    accepted, rejected, both = [
        await apply(portal, school, path, who, f"+9198123432{n:02}") for n, who in enumerate(students)
    ]
    for made, deed in ((accepted, "accept"), (rejected, "reject")):
        await portal.call("POST", f"{made}/{deed}", {}, headers=school.headers())
        for again in ("accept", "reject"):
            refused = await portal.call("POST", f"{made}/{again}", {}, headers=school.headers(), expect=409)
            assert refused["error"]["code"] == "WRONG_STATE"
    await portal.call("POST", f"{accepted}/withdraw", headers=school.headers(students[0]), expect=409)

    # Opposite decisions at once: one of them holds, and the other has left nothing.
    async def decide(deed: str) -> int:
        async with portal.client.post(f"/api/partners{both}/{deed}", json={}, headers=school.headers()) as reply:
            return reply.status

    assert sorted(await asyncio.gather(*(decide(deed) for deed in ("accept", "reject")))) == [200, 409]
    listed = (await portal.call("GET", f"{path}/applications", headers=school.headers()))["data"]["applications"]
    [held] = [a for a in listed if a["id"] in both]
    async with portal.services.read() as conn:
        technicians_of = await conn.fetchval("SELECT count(*) FROM parties WHERE phone = '+919812343202'")
    assert technicians_of == (held["status"] == "accepted")
    shown = (await portal.call("GET", path, headers=school.headers()))["data"]["posting"]
    assert shown["accepted"] == 1 + technicians_of


async def test_only_what_is_offered_where_the_school_is_can_be_posted(portal: Portal) -> None:
    school = await add_organisation(portal.services, org_type="school")
    bad = {**POSTING, "categories": ["cleaning", "Dancing", "Massage"], "tiers": ["Royal"]}
    refused = await portal.call("POST", PATH, bad, headers=school.headers(), expect=422)
    details = refused["error"]["details"]
    assert set(details) == {"categories", "tiers"}
    assert "'Dancing', 'Massage'" in details["categories"][0] and "'Royal'" in details["tiers"][0]
    wanted = {"categories": ["repairs", "CLEANING", "Repairs"], "tiers": ["minimal"], "title": "Handy work"}
    path = await post(portal, school, **wanted)
    shown = (await portal.call("GET", path, headers=school.headers()))["data"]["posting"]
    assert (shown["categories"], shown["tiers"]) == (["Repairs", "Cleaning"], ["Minimal"])
    # The board is searched by what a posting says of itself.
    await post(portal, school, description="Mornings in the library")
    for words, count in (("handy", 1), ("librar", 1), ("dancing", 0)):
        listed = await portal.call("GET", f"{PATH}?search={words}", headers=school.headers())
        assert len(listed["data"]["postings"]) == count, words


async def test_what_the_board_refuses(portal: Portal) -> None:
    school, other = [await add_organisation(portal.services, org_type="school") for _ in range(2)]
    student = await school.member()
    refused = await portal.call("POST", PATH, POSTING, expect=403)
    assert refused["error"]["code"] == "SCHOOLS_ONLY"
    path = await post(portal, school, openings=2)
    bad = {"title": "", "description": "x", "categories": [], "tiers": ["Minimal"], "openings": 0}
    bad["workingHours"] = {"days": [8], "start": "10:00", "end": "11:00"}
    refused = await portal.call("POST", PATH, bad, headers=school.headers(), expect=422)
    assert set(refused["error"]["details"]) == {"title", "categories", "openings", "workingHours.days.0"}
    refused = await apply(portal, school, path, student, "call me", expect=422)
    assert set(refused["error"]["details"]) == {"phoneNumber"}
    stranger = await other.member()
    await apply(portal, other, path, stranger, "+919812341111", expect=404)
    await portal.call("GET", path, headers=other.headers(stranger), expect=404)
    made = await apply(portal, school, path, student, "+919812341111")
    for deed in ("accept", "reject"):
        await portal.call("POST", f"{made}/{deed}", {}, headers=other.headers(), expect=404)
    # Taken back, and asked for again.
    await portal.call("POST", f"{made}/withdraw", headers=school.headers(student))
    await portal.call("POST", f"{made}/accept", {}, headers=school.headers(), expect=409)
    await apply(portal, school, path, student, "+919812341111")
    await portal.call("POST", f"{path}/close", headers=school.headers())
    await portal.call("POST", f"{path}/close", headers=school.headers(), expect=409)
    late = await school.member()
    await apply(portal, school, path, late, "+919812342222", expect=409)
    # A phone that another technician has is said so, and nothing is decided.
    third = await post(portal, school)
    again = await apply(portal, school, third, late, "+919812341111")
    await portal.call("POST", f"{made}/accept", {}, headers=school.headers())
    refused = await portal.call("POST", f"{again}/accept", {}, headers=school.headers(), expect=409)
    assert refused["error"]["code"] == "PHONE_TAKEN"
    [shown] = (await portal.call("GET", f"{PATH}/applications/own", headers=school.headers(late)))["data"][
        "applications"
    ]
    assert shown["status"] == "applied"
