"""An app books for people of its own: by phone and name, in cash or on account, and sees nothing of anybody else's."""

from __future__ import annotations

from typing import Any

from tests.api.live import Live, Person
from tests.api.test_story import book, check_out
from tests.integrations import App, onboard

PLACE = (22.5726, 88.3639)
#: A seeded customer's, who has an account and bookings of their own.
PHONE = "+911000100001"


class Caller:
    """An app that calls for one of its customers, where the other tests have a signed-in person."""

    def __init__(self, app: App, customer_id: str) -> None:
        self.app, self.customer_id = app, customer_id

    async def call(self, method: str, path: str, body: Any = None, *, expect: int | None = 200) -> dict[str, Any]:
        return await self.app.call(method, path, body, expect=expect, X_Customer_ID=self.customer_id)


async def test_a_customer_is_made_once_and_named_on_each_call(live: Live) -> None:
    app = await onboard(live)
    made = await app.own("POST", "/customers", {"name": "Asha Rao", "phoneNumber": "98765 43210"}, expect=201)
    assert (made["data"]["phoneNumber"], made["data"]["bookings"]) == ("+919876543210", 0)
    again = await app.own("POST", "/customers", {"name": "Somebody", "phoneNumber": "+919876543210"})
    assert again["data"] == made["data"]
    listed = (await app.own("GET", "/customers?search=asha"))["data"]
    assert [c["id"] for c in listed["customers"]] == [made["data"]["id"]]
    other = await onboard(live)
    assert await other.customer("+919876543210") != made["data"]["id"]
    own = f"/customers/{made['data']['id']}"
    mended = await app.own("PUT", own, {"phoneNumber": "98765 43219", "email": "asha@mail.example"})
    assert mended["data"] == made["data"] | {"phoneNumber": "+919876543219", "email": "asha@mail.example"}
    assert (await app.own("PUT", own, {"email": None, "phoneNumber": "98765 43210"}))["data"] == made["data"]
    wrong = await app.own("PUT", own, {"name": "x", "email": "no", "phoneNumber": " "}, expect=400)
    assert {e["field"] for e in wrong["errors"]} == {"name", "email", "phoneNumber"}
    await other.own("PUT", own, {"name": "Theirs"}, expect=404)
    bad = await app.own("POST", "/customers", {"name": "x", "phoneNumber": "12"}, expect=400)
    assert {e["field"] for e in bad["errors"]} == {"name"}


async def test_what_the_phone_s_owner_has_is_none_of_the_app_s_business(live: Live, admin: Person) -> None:
    app = await onboard(live)
    owner = await live.person("customer", PHONE)
    theirs = await book(owner, PLACE)
    caller = Caller(app, await app.customer(PHONE))
    assert (await caller.call("GET", "/v1/bookings"))["data"]["bookings"] == []
    assert (await caller.call("GET", "/v1/users/addresses"))["data"] == []
    await caller.call("GET", f"/v1/bookings/{theirs['id']}", expect=404)
    await caller.call("POST", f"/v1/bookings/{theirs['id']}/cancel", {"reason": "x"}, expect=404)
    ours = await book(caller, PLACE)  # type: ignore[arg-type]
    listed = (await caller.call("GET", "/v1/bookings"))["data"]["bookings"]
    assert [b["id"] for b in listed] == [ours["id"]]
    assert ours["id"] not in str(await owner.call("GET", "/v1/bookings"))
    timeline = (await caller.call("GET", f"/v1/bookings/{ours['id']}/timeline"))["data"]
    assert (timeline[0]["action"], timeline[0]["by"]) == ("booking.created", "integration")
    cancelled = (await caller.call("POST", f"/v1/bookings/{ours['id']}/cancel", {"reason": "Plans changed"}))["data"]
    assert cancelled["status"] == "cancelled"
    seen = (await caller.call("GET", f"/v1/bookings/{ours['id']}"))["data"]["cancellation"]
    assert (seen["cancelled_by"], seen["reason"]) == ("integration", "Plans changed")
    figures = (await admin.call("GET", f"/api/partners/{app.id}/analytics"))["data"]
    assert (figures["jobsPosted"], figures["bookings"], figures["cancelledJobs"]) == (1, 0, 1)
    await owner.call("POST", f"/v1/bookings/{theirs['id']}/cancel", {})
    await app.own("DELETE", f"/customers/{caller.customer_id}")
    await app.own("GET", f"/customers/{caller.customer_id}", expect=404)
    await caller.call("GET", "/v1/bookings", expect=404)
    kept = await live.value(
        "SELECT c.phone || b.contact::text || b.address::text FROM bookings b"
        " JOIN integration_customers c ON c.account_id = b.account_id WHERE b.id = $1::text::uuid", ours["id"],
    )  # fmt: skip
    assert PHONE not in kept and "Main St" not in kept and "erased" in kept
    assert await app.customer(PHONE) != caller.customer_id


async def test_cash_or_account_and_nothing_else(live: Live) -> None:
    app = await onboard(live)
    caller = Caller(app, await app.customer("+919876500001"))
    online = await refused(caller, payment_method="online")
    assert "payment_method" in online["error"]["details"]
    # Without a bill there is no account.
    service = (await caller.call("GET", "/v1/services/catalog"))["data"]["all_services"][0]
    cart = {"service_ids": [service["id"]], "payment_method": "account"}
    await caller.call("POST", "/v1/checkout/prepare", cart, expect=409)


async def refused(caller: Caller, **confirm: Any) -> dict[str, Any]:
    """What a confirm is told that is not taken."""
    answers: list[dict[str, Any]] = []

    class Trying(Caller):
        async def call(self, method: str, path: str, body: Any = None, *, expect: int | None = 200) -> dict[str, Any]:
            if path.endswith("/confirm"):
                answers.append(await super().call(method, path, body, expect=422))
                return {"data": {}}
            return await super().call(method, path, body, expect=expect)

    await check_out(Trying(caller.app, caller.customer_id), PLACE, **confirm)  # type: ignore[arg-type]
    return answers[0]
