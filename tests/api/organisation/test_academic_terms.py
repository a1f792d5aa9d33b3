"""The terms of a school: one after the other, with holidays within them; of schools only."""

from __future__ import annotations

from uuid import uuid4

from tests.api.organisation.conftest import Portal
from tests.organisations import add_organisation

PATH = "/organization/academic-terms"
FIRST = {
    "name": "First Semester", "academicYear": "2026-2027", "startDate": "2026-08-10", "endDate": "2026-12-18",
    "holidays": ["2026-11-01"],
}  # fmt: skip


async def test_terms_follow_one_another(portal: Portal) -> None:
    school = await add_organisation(portal.services, org_type="school")
    own = school.headers()
    made = (await portal.call("POST", PATH, FIRST, headers=own, expect=201))["data"]["terms"]
    assert [(t["name"], t["holidays"]) for t in made] == [("First Semester", ["2026-11-01"])]
    overlap = {**FIRST, "name": "Summer", "startDate": "2026-12-18", "endDate": "2027-01-10", "holidays": []}
    refused = await portal.call("POST", PATH, overlap, headers=own, expect=409)
    assert refused["error"]["code"] == "TERMS_OVERLAP"
    # Another school's terms may be the same.
    other = await add_organisation(portal.services, org_type="school")
    await portal.call("POST", PATH, FIRST, headers=other.headers(), expect=201)
    for change, field in (({"endDate": "2026-08-01"}, "endDate"), ({"holidays": ["2027-01-01"]}, "holidays")):
        refused = await portal.call("POST", PATH, {**FIRST, **change}, headers=own, expect=422)
        assert set(refused["error"]["details"]) == {field}
    for missing, headers in ((made[0]["id"], other.headers()), (uuid4(), own)):
        await portal.call("DELETE", f"{PATH}/{missing}", headers=headers, expect=404)
    await portal.call("DELETE", f"{PATH}/{made[0]['id']}", headers=own)
    assert (await portal.call("GET", PATH, headers=own))["data"]["terms"] == []
    refused = await portal.call("POST", PATH, FIRST, expect=403)
    assert refused["error"]["code"] == "SCHOOLS_ONLY"
