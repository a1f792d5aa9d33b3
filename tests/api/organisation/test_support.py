"""Support: the contacts that staff keep, training, the documents."""

from __future__ import annotations

from dispatch.events import Actor
from dispatch.parties import support
from dispatch.parties.support import ContactIn, TrainingIn
from tests.api.organisation.conftest import Portal, staff
from tests.organisations import add_organisation


async def test_contacts_and_training_are_what_staff_keep(portal: Portal) -> None:
    empty = (await portal.call("GET", "/support/contact"))["data"]
    assert empty == {"accountManager": None, "technicalSupport": None, "emergency": None}
    account_id = await staff(portal)
    sarah = Actor("admin", str(account_id))
    later = portal.services.clock.now().replace(year=2090, hour=4)  # one day in all of the places
    async with portal.services.transaction() as tx:
        for card in (
            ContactIn("account_manager", account_id, "Senior Account Manager", hours="Mon-Fri", languages=("English",)),
            ContactIn("technical", email="partners-support@localpro.example", hours="24/7"),
            ContactIn("emergency", phone="+639171234572", note="For urgent issues only"),
        ):
            await support.put_contact(tx, sarah, card)
        await support.add_training(tx, sarah, TrainingIn("video", "Overview", "https://x.example/v", None, 15))
        live = TrainingIn("live", "Workshop", None, None, 120, None, later, 25)
        await support.add_training(tx, sarah, live)
    home = await add_organisation(portal.services)
    shown = (await portal.call("GET", "/support/contact", headers=home.headers()))["data"]
    assert shown["accountManager"]["title"] == "Senior Account Manager" and shown["accountManager"]["name"]
    assert shown["technicalSupport"]["hours"] == "24/7" and shown["emergency"]["phone"] == "+639171234572"
    found = (await portal.call("GET", "/support/training"))["data"]
    assert [(r["type"], r["duration"]) for r in found["resources"]] == [("video", "15 minutes")]
    assert found["upcomingTraining"] == [
        {"title": "Workshop", "date": str(later.date()), "duration": "2 hours", "type": "live", "seats": "25 available"}
    ]


async def test_the_docs_name_every_endpoint(portal: Portal) -> None:
    docs = (await portal.call("GET", "/integration/docs"))["data"]["documentation"]
    assert {"method": "GET", "path": "/api/partners/users"}.items() <= next(
        e for e in docs["endpoints"] if e["path"] == "/api/partners/users" and e["method"] == "GET"
    ).items()
    assert "invoice.generated" in docs["webhooks"]["events"] and len(docs["rateLimits"]) == 5
