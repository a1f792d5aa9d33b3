"""What a provider tells its customers: counted, kept, and only to its own."""

from __future__ import annotations

from tests.api.provider.conftest import Office
from tests.providers import add_customer


async def test_messages_are_counted_and_kept(office: Office) -> None:
    owner, stranger = await office.owner(), await office.owner()
    ann = await add_customer(office.world.services, owner.owned, "Ann Ade")
    bob = await add_customer(office.world.services, owner.owned, "Bob Bello")
    async with office.world.services.transaction() as tx:
        await tx.conn.execute("UPDATE accounts SET is_active = false WHERE id = $1", bob.account_id)
    body = {"recipients": "all", "title": "Closed", "message": "We are back on Monday.", "type": "provider"}
    answer = await owner.call("POST", "/notifications/send", body)
    assert answer["message"] == "Notification sent successfully"
    assert answer["data"].items() >= {
        "recipientCount": 2, "sentCount": 1, "failedCount": 1, "status": "partial",
    }.items()  # fmt: skip
    told = await office.world.value("SELECT body FROM outbox WHERE recipient = $1", ann.email)
    assert told == "Closed: We are back on Monday."
    assert await office.world.value("SELECT count(*) FROM notifications WHERE account_id = $1", ann.account_id) == 1
    await owner.call("POST", "/notifications/send", {**body, "recipients": [str(ann.id)], "type": "promotion"})
    found = (await owner.call("GET", "/notifications/history?type=promotion"))["data"]["notifications"]
    assert [(n["type"], n["status"], n["recipientCount"]) for n in found] == [("promotion", "sent", 1)]
    assert len((await owner.call("GET", "/notifications/history?startDate=2026-01-05"))["data"]["notifications"]) == 2
    assert (await owner.call("GET", "/notifications/history?endDate=2026-01-04"))["data"]["notifications"] == []
    foreign = await add_customer(office.world.services, stranger.owned)
    answer = await owner.call("POST", "/notifications/send", {**body, "recipients": [str(foreign.id)]}, expect=400)
    assert answer["error"]["details"] == {"recipients": ["Customer not found"]}
    answer = await owner.call("POST", "/notifications/send", {"recipients": "some", "title": ""}, expect=400)
    assert {"recipients", "title", "message"} <= answer["errors"].keys()
