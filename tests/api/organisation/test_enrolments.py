"""Enrolling from a table over HTTP: the answer of a small one, and what a form may not say."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from aiohttp import FormData

from tests.api.organisation.conftest import Portal
from tests.organisations import add_organisation

CSV = "firstName,lastName,email,employeeId,department,phoneNumber\n"


def form(lines: str, **texts: str) -> FormData:
    made = FormData()
    made.add_field("file", (CSV + lines).encode(), filename="people.csv", content_type="text/csv")
    for name, value in texts.items():
        made.add_field(name, value)
    return made


async def enrol(portal: Portal, data: FormData, expect: int = 201, **more: Any) -> Any:
    return await portal.call("POST", "/users/bulk-enroll", data=data, expect=expect, **more)


async def test_a_small_table_is_answered_whole(portal: Portal) -> None:
    place = await portal.home.department("Small")
    data = form("John,Doe,john@small.example,E-1,,\nX,Y,invalid@email,,,\n", department=str(place.id))
    done = (await enrol(portal, data))["data"]["enrollment"]
    assert (done["status"], done["totalRows"], done["successful"], done["failed"]) == ("completed", 2, 1, 1)
    assert done["results"][0]["status"] == "success" and done["results"][1]["error"] == "This is not an e-mail address."
    assert done["failedRows"][0]["row"] == 2 and done["failedRows"][0]["data"]["firstName"] == "X"
    user = (await portal.call("GET", f"/users/{done['results'][0]['userId']}"))["data"]["user"]
    assert user["department"]["id"] == str(place.id)
    path = f"/users/bulk-enroll/{done['id']}/results"
    failed = (await portal.call("GET", f"{path}?status=failed"))["data"]
    assert [r["row"] for r in failed["results"]] == [2] and failed["pagination"]["total"] == 1
    other = await add_organisation(portal.services)
    for foreign in (path, f"/users/bulk-enroll/{done['id']}", f"/users/bulk-enroll/{uuid4()}"):
        refused = await portal.call("GET", foreign, headers=other.headers(), expect=404)
        assert refused["message"] == "There is no such enrollment."


async def test_a_manager_sees_the_tables_of_their_department(portal: Portal) -> None:
    mine, other = await portal.home.department("Listed"), await portal.home.department("Unlisted")
    chief = portal.home.headers(await portal.home.member("manager", department_id=mine.id))
    beside = portal.home.headers(await portal.home.member("manager", department_id=other.id))

    async def begun(line: str, headers: dict[str, str]) -> str:
        return str((await enrol(portal, form(line), headers=headers))["data"]["enrollment"]["id"])

    whole = await begun("A,B,a@whole.example,,,\n", portal.home.headers())
    ours = await begun("A,B,a@ours.example,,,\n", chief)
    for headers, id in ((beside, ours), (chief, whole)):
        for path in (f"/users/bulk-enroll/{id}", f"/users/bulk-enroll/{id}/results"):
            await portal.call("GET", path, headers=headers, expect=404)
    for headers in (chief, portal.home.headers()):
        shown = await portal.call("GET", f"/users/bulk-enroll/{ours}", headers=headers)
        assert shown["data"]["enrollment"]["results"][0]["email"] == "a@ours.example"
        await portal.call("GET", f"/users/bulk-enroll/{ours}/results", headers=headers)


async def test_what_a_form_may_not_say(portal: Portal) -> None:
    line = "A,B,a@form.example,,,\n"
    refused = await enrol(portal, form(line, department="x", accessLevel="king"), expect=422)
    assert set(refused["error"]["details"]) == {"department", "accessLevel"}
    foreign = await (await add_organisation(portal.services)).department("Theirs")
    await enrol(portal, form(line, department=str(foreign.id)), expect=404)
    bare = FormData()
    bare.add_field("file", b"a,b\n", filename="x.csv", content_type="text/csv")
    assert (await enrol(portal, bare, expect=400))["error"]["code"] == "BAD_REQUEST"
    mine = await portal.home.department("Managed")
    manager = portal.home.headers(await portal.home.member("manager", department_id=mine.id))
    refused = await enrol(portal, form(line, accessLevel="admin"), headers=manager, expect=403)
    assert refused["error"]["code"] == "OUT_OF_REACH"
    viewer = portal.home.headers(await portal.home.member("viewer"))
    await enrol(portal, form(line), headers=viewer, expect=403)
