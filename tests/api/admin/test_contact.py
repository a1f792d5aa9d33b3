"""Letters over the back office."""

from __future__ import annotations

from tests.api.admin.office import Office
from tests.parties import staff

LETTER = {"name": "John Doe", "email": "john@example.com", "subject": "Service Inquiry", "message": "I would like"}


async def test_no_word_of_a_letter_is_too_long_to_be_kept_or_to_be_searched(office: Office) -> None:
    who = {"name": "Jane Roe", "email": "jane@example.com", "subject": "A link"}
    long = {**who, "message": "https://example.com/" + "x" * 2900}
    await office.boss.call("POST", "/v1/contact", long, expect=None)
    for asked, found in (("jane", 1), ("https xxx", 1), ("jane nobody", 0)):
        answer = await office.boss.call("GET", f"/v1/admin/contact-submissions?search={asked}")
        assert len(answer["data"]["submissions"]) == found


async def test_a_letter_is_listed_and_answered(office: Office) -> None:
    await office.boss.call("POST", "/v1/contact", LETTER, expect=None)
    found = (await office.boss.call("GET", "/v1/admin/contact-submissions?status=new&search=inquiry"))["data"]
    (letter,) = found["submissions"]
    assert {"id", "name", "email", "phone", "subject", "message", "status", "created_at"} <= letter.keys()
    path = f"/v1/admin/contact-submissions/{letter['id']}"
    done = await office.boss.call("PATCH", path, {"status": "replied", "admin_notes": "Responded via email"})
    assert done["data"]["submission"]["status"] == "replied"
    kept = await office.boss.call("PATCH", path, {"status": "resolved"})
    assert kept["data"]["submission"]["admin_notes"] == "Responded via email"
    entry = await office.audited("update_contact_submission")
    assert entry["changes"] == {"status": {"old": "replied", "new": "resolved"}}
    for body, field in (({"status": "gone"}, "status"), ({"admin_notes": "x"}, "status")):
        assert field in (await office.boss.call("PATCH", path, body, expect=422))["error"]["details"]
    finance = await staff(office.live, "finance")
    await finance.call("GET", path, expect=403)
    missing = "/v1/admin/contact-submissions/11111111-1111-4111-8111-111111111111"
    await office.boss.call("PATCH", missing, {"status": "read"}, expect=404)
