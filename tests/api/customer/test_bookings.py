"""A customer's bookings over HTTP: read, cancelled, moved, rated; and the first screen."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from dispatch.engine import offers
from tests.api.customer.conftest import House, Visitor
from tests.api.customer.test_checkout import DAY, order, prepare


async def book(customer: Visitor, **changes: Any) -> UUID:
    status, body, _ = await customer.call("POST", "/checkout/confirm", order(await prepare(customer), **changes))
    assert status == 201, body
    return UUID(body["data"]["booking"]["id"])


async def accept(house: House, booking_id: UUID) -> UUID:
    """The technician who was asked says yes."""
    who: UUID = await house.city.value(
        "SELECT technician_id FROM offers WHERE booking_id = $1 AND state = 'open'", booking_id
    )
    async with house.city.services.transaction() as tx:
        offer = await offers.offer_of(tx, who, booking_id=booking_id)
        await offers.accept(tx, who, offer)
    return who


async def complete(house: House, booking_id: UUID) -> UUID:
    who = await accept(house, booking_id)
    await house.city.run(
        "UPDATE assignments SET state = 'completed', completed_at = app_now() WHERE booking_id = $1",
        booking_id,
    )
    await house.city.run(
        "UPDATE bookings SET status = 'completed', next_action = NULL, next_action_at = NULL WHERE id = $1",
        booking_id,
    )
    return who


async def test_the_list_and_its_pages(house: House, customer: Visitor) -> None:
    made = []
    for at in ("09:00 AM", "12:00 PM", "03:00 PM"):
        made.append(await book(customer, booking_time=at))
        await house.city.advance(seconds=1)
    status, body, _ = await customer.call("GET", "/bookings?limit=2")
    assert status == 200
    data = body["data"]
    assert [b["id"] for b in data["bookings"]] == [str(made[2]), str(made[1])]
    assert data["pagination"] | {"cursor": None} == {
        "page": 1, "limit": 2, "total": 3, "total_pages": 2, "total_is_exact": True, "cursor": None,
    }  # fmt: skip
    one = data["bookings"][0]
    assert (one["booking_date"], one["booking_time"], one["grand_total"]) == (DAY, "15:00:00", 1771.2)
    assert one["partner"] is None
    assert one["services"][0]["quantity"] == 2
    assert one["address"]["city"] == "Kolkata"
    last = await customer.get("/bookings?limit=2&page=2")
    assert [b["id"] for b in last["bookings"]] == [str(made[0])]
    await accept(house, made[0])
    found = await customer.get("/bookings?status=confirmed")
    assert [b["id"] for b in found["bookings"]] == [str(made[0])]
    assert found["bookings"][0]["partner"]["name"].startswith("Technician ")
    assert (await customer.get("/bookings"))["pagination"]["limit"] == 10


@pytest.mark.parametrize("query", ["status=lost", "page=0", "limit=0", "page=x"])
async def test_a_bad_query_is_refused(customer: Visitor, query: str) -> None:
    status, body, _ = await customer.call("GET", f"/bookings?{query}")
    assert status == 422
    assert list(body["error"]["details"]) == [query.split("=")[0]]


async def test_the_detail(house: House, customer: Visitor) -> None:
    booking_id = await book(customer)
    await accept(house, booking_id)
    found = await customer.get(f"/bookings/{booking_id}")
    assert found["status"] == "confirmed"
    assert found["pricing"]["tax"] == 331.2
    assert found["contact"]["name"] == "John Doe"
    assert found["payment"]["payment_method"] == "cash"
    assert found["partner"]["status"] == "accepted"
    assert found["cancellation"] is None
    told = await customer.get(f"/bookings/{booking_id}/timeline")
    assert [e["action"] for e in told] == [
        "booking.created", "partner.assigned", "partner.accepted", "booking.confirmed",
    ]  # fmt: skip
    assert [e["seq"] for e in told] == [1, 2, 3, 4]


async def test_others_bookings_do_not_exist(house: House, customer: Visitor) -> None:
    booking_id = await book(customer)
    other = await house.customer(1)
    rest: list[tuple[str, str, Any]] = [
        ("GET", "", None), ("GET", "/timeline", None), ("POST", "/cancel", {}), ("POST", "/rate",
        {"rating": 5}),
        ("POST", "/reschedule", {"booking_date": DAY, "booking_time": "11:00"}),
    ]  # fmt: skip
    for method, tail, body in rest:
        status, _, _ = await other.call(method, f"/bookings/{booking_id}{tail}", body)
        assert status == 404, tail
        status, _, _ = await customer.call(method, f"/bookings/{uuid4()}{tail}", body)
        assert status == 404, tail
        status, _, _ = await house.visitor.call(method, f"/bookings/{booking_id}{tail}", body)
        assert status == 401, tail
    assert (await other.get("/bookings"))["bookings"] == []
    assert (await customer.get(f"/bookings/{booking_id}"))["status"] == "partner_assigned"


async def test_cancelling_is_free_while_nobody_has_accepted(house: House, customer: Visitor) -> None:
    booking_id = await book(customer)
    await house.city.advance(minutes=6)
    status, body, _ = await customer.call("POST", f"/bookings/{booking_id}/cancel", {"reason": "Change of plans"})
    assert status == 200, body
    assert body["data"] == {
        "booking_id": str(booking_id), "status": "cancelled", "cancellation_fee": 0.0, "refund_amount": 0.0,
        "refund_status": "none",
    }  # fmt: skip
    found = (await customer.get(f"/bookings/{booking_id}"))["cancellation"]
    assert (found["cancelled_by"], found["reason"]) == ("customer", "Change of plans")
    assert await house.city.value("SELECT used_count FROM promo_codes WHERE code = 'SAVE10'") == 0
    assert await house.city.value("SELECT count(*) FROM slots") == 0
    status, body, _ = await customer.call("POST", f"/bookings/{booking_id}/cancel", {})
    assert status == 409
    assert await house.city.value("SELECT used_count FROM promo_codes WHERE code = 'SAVE10'") == 0


@pytest.mark.parametrize(("minutes", "fee"), [(4.9, 0.0), (5, 177.12), (60, 177.12)])
async def test_cancelling_an_accepted_one_costs_a_tenth_after_five_minutes(
    house: House, customer: Visitor, minutes: float, fee: float
) -> None:
    booking_id = await book(customer)
    await accept(house, booking_id)
    await house.city.advance(minutes=minutes)
    status, body, _ = await customer.call("POST", f"/bookings/{booking_id}/cancel")
    assert status == 200, body
    assert (body["data"]["cancellation_fee"], body["data"]["refund_amount"]) == (fee, 0.0)
    assert await house.city.value("SELECT cancellation_fee_minor FROM bookings") == round(fee * 100)


async def test_what_has_begun_cannot_be_cancelled(house: House, customer: Visitor) -> None:
    booking_id = await book(customer)
    await complete(house, booking_id)
    status, body, _ = await customer.call("POST", f"/bookings/{booking_id}/cancel", {})
    assert status == 409
    assert (await customer.get(f"/bookings/{booking_id}"))["status"] == "completed"


async def test_rating_counts_once_and_only_when_completed(house: House, customer: Visitor) -> None:
    booking_id = await book(customer)
    status, _, _ = await customer.call("POST", f"/bookings/{booking_id}/rate", {"rating": 5})
    assert status == 409
    who = await complete(house, booking_id)
    before = await house.city.value("SELECT rating_count FROM technicians WHERE id = $1", who)
    total = await house.city.value("SELECT rating_sum FROM technicians WHERE id = $1", who)
    # Phones that count stars in fractions write a whole number so.
    sent = b'{"rating": 4.0, "feedback": "Great!"}'
    json = {"Content-Type": "application/json"}
    status, body, _ = await customer.call("POST", f"/bookings/{booking_id}/rate", raw=sent, headers=json)
    assert (status, body["message"]) == (200, "Rating submitted successfully")
    status, _, _ = await customer.call("POST", f"/bookings/{booking_id}/rate", {"rating": 1})
    assert status == 409
    assert await house.city.value("SELECT rating_count FROM technicians WHERE id = $1", who) == before + 1
    assert await house.city.value("SELECT rating_sum FROM technicians WHERE id = $1", who) == total + 4
    found = await customer.get(f"/bookings/{booking_id}")
    assert (found["rating"], found["feedback"]) == (4, "Great!")


@pytest.mark.parametrize("rating", [0, 6, 4.5, "5", True, None])
async def test_a_rating_is_one_to_five(customer: Visitor, rating: Any) -> None:
    status, body, _ = await customer.call("POST", f"/bookings/{uuid4()}/rate", {"rating": rating})
    assert status == 422
    assert list(body["error"]["details"]) == ["rating"]


async def test_moving_a_booking(house: House, customer: Visitor) -> None:
    booking_id = await book(customer)
    path = f"/bookings/{booking_id}/reschedule"
    status, body, _ = await customer.call("POST", path, {"booking_date": "2026-01-22", "booking_time": "02:00 PM"})
    assert status == 200, body
    assert (body["data"]["booking_date"], body["data"]["booking_time"]) == ("2026-01-22", "14:00:00")
    assert body["data"]["starts_at"] == "2026-01-22T08:30:00Z"
    for field, asked in (
        ("booking_date", {"booking_date": "2026-01-01", "booking_time": "10:00"}),
        ("booking_time", {"booking_date": DAY, "booking_time": "06:00"}),
    ):
        status, body, _ = await customer.call("POST", path, asked)
        assert status == 422
        assert list(body["error"]["details"]) == [field]
    assert (await customer.get(f"/bookings/{booking_id}"))["booking_date"] == "2026-01-22"


LETTER = {"name": "John Doe", "email": "john@example.com", "message": "I would like to know about..."}


async def test_anybody_may_write(house: House) -> None:
    status, body, _ = await house.visitor.call(
        "POST", "/contact", {**LETTER, "phone": "+911234567890", "subject": "Service Inquiry"}
    )
    assert status == 201
    assert body["message"].startswith("Thank you for contacting us")
    assert await house.city.value("SELECT status FROM contact_submissions WHERE subject = 'Service Inquiry'") == "new"
    for _ in range(19):
        # An optional field that a form leaves blank is left out.
        assert (await house.visitor.call("POST", "/contact", {**LETTER, "phone": ""}))[0] == 201
    status, _, headers = await house.visitor.call("POST", "/contact", LETTER)
    assert status == 429
    assert headers["Retry-After"]


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": None}), ("email", {"email": "nowhere"}), ("message", {"message": " "}),
        ("phone", {"phone": "x"}), ("subject", {"subject": "x" * 256}), ("name", {"name": "x" * 256}),
    ],
)  # fmt: skip
async def test_a_bad_letter_is_refused(house: House, field: str, changes: dict[str, Any]) -> None:
    status, body, _ = await house.visitor.call("POST", "/contact", {**LETTER, **changes})
    assert status == 422
    assert list(body["error"]["details"]) == [field]
    assert await house.city.value("SELECT count(*) FROM contact_submissions") == 0


async def test_a_cancellation_that_is_repeated_with_its_key_answers_the_same(house: House, customer: Visitor) -> None:
    booking_id = await book(customer)
    path, key = f"/bookings/{booking_id}/cancel", {"X-Idempotency-Key": "cancel-once-0001"}
    first, body, _ = await customer.call("POST", path, {"reason": "ill"}, headers=key)
    again, same, headers = await customer.call("POST", path, {"reason": "ill"}, headers=key)
    assert (first, again, same["data"]) == (200, 200, body["data"])
    assert headers["Idempotent-Replayed"] == "true"
    other, refused, _ = await customer.call("POST", path, {"reason": "another one"}, headers=key)
    assert (other, refused["error"]["code"]) == (422, "IDEMPOTENCY_KEY_REUSED")
    # Without a key the repetition hears how things stand.
    assert (await customer.call("POST", path, {}))[0] == 409
    assert await house.city.value("SELECT count(*) FROM booking_events WHERE type = 'booking.cancelled'") == 1
