"""Trade partners over HTTP: made flat and nested, shown with their documented keys, changed, deleted, at once."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from tests.api.erp.conftest import Clerk, Office

FLAT = {
    "name": "Acme Corp", "price_list_id": 1, "email": "contact@acme.com", "phone": "+33123456789", "status": "ACTIVE",
    "partner_type": "CUSTOMER", "channel": "OTHER", "credit_limit": 10000, "payment_term_id": 1,
    "address_line1": "123 Main St", "city": "Casablanca", "country": "Morocco", "custom_fields": {"1": "FR123456789"},
}  # fmt: skip


def email() -> str:
    return f"john.{uuid4().hex[:8]}@acme.com"


async def test_flat_with_everything_comes_back(clerk: Clerk) -> None:
    made = await clerk.call("POST", "/partners", FLAT, expect=201)
    assert made["success"] is True and made["message"] == "Partner created successfully"
    assert made["data"] == {
        "partner_id": made["partner"]["id"], "partner_code": made["partner"]["code"], "customer_id": None,
        "user_id": None,
    }  # fmt: skip
    shown = await clerk.get(f"/partners/{made['partner']['id']}")
    assert shown.keys() == {"partner", "taxId", "customFields"}
    partner = shown["partner"]
    assert shown["taxId"] == "FR123456789"
    assert shown["customFields"]["partner_tax_id"]["formatted_value"] == "FR123456789"
    assert shown["customFields"]["partner_tax_id"]["field"]["id"] == 1
    assert partner["price_list"] == {"id": 1, "code": "PL1", "name": "Retail"}
    assert partner["payment_term"]["name"] == "30 days" and partner["payment_term_id"] == 1
    assert (partner["credit_limit"], partner["credit_used"], partner["credit_available"]) == (10000, 0, 10000)
    assert partner["orders"] == partner["delivery_notes"] == partner["itinerary_partners"] == partner["children"] == []
    assert partner["created_at"].endswith("Z") and len(partner["created_at"].split(".")[1]) == 7


async def test_nested_with_an_account_makes_both_or_none(office: Office, clerk: Clerk) -> None:
    auth = {"name": "John", "last_name": "Doe", "email": email(), "password": "secret123", "phone": "+33987654321"}
    made = await clerk.call("POST", "/partners", {"partner": {"name": "Nested"}, "auth": auth}, expect=201)
    shown = (await clerk.get(f"/partners/{made['partner']['id']}"))["partner"]
    assert shown["customer"]["user"]["name"] == "John Doe"
    assert shown["customer"]["id"] == made["data"]["customer_id"] == made["data"]["user_id"]

    code = f"X{uuid4().hex[:6]}"
    again = {"partner": {"name": "Second", "code": code}, "auth": {**auth, "phone": "+33987654399"}}
    refused = await clerk.call("POST", "/partners", again, expect=409)
    assert refused["error"]["code"] == "EMAIL_TAKEN"
    assert (await clerk.get(f"/partners/search?q={code}"))["data"] == []
    other = {"name": "Third", "auth": {**auth, "email": email()}}
    assert (await clerk.call("POST", "/partners", other, expect=409))["error"]["code"] == "PHONE_TAKEN"
    weak = {"name": "Fourth", "auth": {**auth, "email": email(), "password": "short"}}
    assert "auth.password" in (await clerk.call("POST", "/partners", weak, expect=422))["errors"]
    async with office.services.read() as conn:
        made = await conn.fetch("SELECT 1 FROM trade_partners WHERE name IN ('Second', 'Third', 'Fourth')")
    assert made == []


async def test_the_create_form_and_the_edit_form(clerk: Clerk) -> None:
    form = await clerk.get("/partners/create")
    assert form.keys() == {
        "priceLists", "customers", "paymentTerms", "vatTaxes", "geoAreas", "regions", "villes", "custom_fields",
    }  # fmt: skip
    assert form["geoAreas"][0].keys() >= {"id", "code", "name", "name_ar", "geo_area_type_id"}
    assert {"id", "region"} <= form["regions"][0].keys() and {"id", "ville"} <= form["villes"][0].keys()
    assert form["custom_fields"][0].keys() >= {
        "id", "field_name", "field_label", "field_type", "entity_type", "is_required", "order",
    }  # fmt: skip
    partner = await clerk.partner()
    edit = await clerk.get(f"/partners/{partner['id']}/edit")
    assert edit.keys() == form.keys() | {"partner", "taxId", "customFields"} and edit["taxId"] is None


async def test_a_change_changes_what_was_sent(clerk: Clerk) -> None:
    partner = await clerk.partner(email="a@acme.com", city="Rabat", custom_fields={"1": "old"}, default_discount_rate=5)
    path = f"/partners/{partner['id']}"
    change = {"name": "Acme Corp Updated", "status": "ON_HOLD", "credit_limit": 15000, "custom_fields": {"1": "new"}}
    done = await clerk.call("PUT", path, change)
    assert done == {"success": True, "message": "Partner updated successfully"}
    await clerk.call("PATCH", path, {"partner": {"city": None, "max_discount_rate": 12.5}})
    shown = await clerk.get(path)
    after = shown["partner"]
    assert (after["name"], after["status"], after["credit_limit"]) == ("Acme Corp Updated", "ON_HOLD", 15000)
    assert (after["email"], after["city"], after["max_discount_rate"]) == ("a@acme.com", None, 12.5)
    assert (shown["taxId"], after["default_discount_rate"]) == ("new", 5)
    assert after["code"] == partner["code"]


async def test_deleted_is_gone_with_its_values(office: Office, clerk: Clerk) -> None:
    parent = await clerk.partner(custom_fields={"1": "x"})
    child = await clerk.partner(parent_partner_id=parent["id"])
    gone = await clerk.call("DELETE", f"/partners/{parent['id']}")
    assert gone == {"success": True, "message": "Partner deleted"}
    await clerk.call("GET", f"/partners/{parent['id']}", expect=404)
    await clerk.call("DELETE", f"/partners/{parent['id']}", expect=404)
    assert (await clerk.get(f"/partners/{child['id']}"))["partner"]["parent"] is None
    async with office.services.read() as conn:
        found = await conn.fetchval("SELECT count(*) FROM custom_field_values WHERE entity_id = $1", str(parent["id"]))
    assert found == 0
    taken = await clerk.call("POST", "/partners", {"name": "New", "code": parent["code"]}, expect=409)
    assert taken["error"]["code"] == "CODE_TAKEN"


async def test_codes_are_suggested_taken_and_never_doubled(clerk: Clerk) -> None:
    first = await clerk.get("/partners/generate-code")
    assert first == await clerk.get("/partners/generate-code?document_type=CL")
    assert first["code"] == f"CL{first['sequence']:05d}"
    await clerk.partner(code=first["code"])
    made = await asyncio.gather(*(clerk.partner() for _ in range(6)))
    codes = [partner["code"] for partner in made]
    assert len(set(codes)) == 6 and first["code"] not in codes
    assert (await clerk.get("/partners/generate-code?document_type=BC"))["code"].startswith("BC")
    await clerk.call("GET", "/partners/generate-code?document_type=XX", expect=422)


async def test_bulk_is_all_or_nothing(clerk: Clerk) -> None:
    ids = [(await clerk.partner())["id"] for _ in range(3)]
    done = await clerk.call("POST", "/partners/bulk/status", {"partner_ids": ids, "status": "ON_HOLD", "reason": "Q1"})
    assert done == {"success": True, "message": "3 partners updated successfully"}
    refused = await clerk.call(
        "POST", "/partners/bulk/status", {"partner_ids": [*ids, 999_999], "status": "CLOSED"}, expect=422
    )
    assert "999999" in refused["errors"]["partner_ids"][0]
    assert {(await clerk.get(f"/partners/{i}"))["partner"]["status"] for i in ids} == {"ON_HOLD"}
    await clerk.call("DELETE", "/partners/bulk/delete", {"partner_ids": [ids[0], 999_999]}, expect=422)
    await clerk.call("DELETE", "/partners/bulk/delete", expect=422)
    done = await clerk.call("DELETE", f"/partners/bulk/delete?partner_ids={ids[0]}")
    assert done["message"] == "1 partner deleted successfully"
    done = await clerk.call("DELETE", "/partners/bulk/delete", {"partner_ids": ids[1:]})
    assert done["message"] == "2 partners deleted successfully"


X = {"name": "x"}
BAD = [
    ({}, "name"), ({"name": ""}, "name"), ({"name": "x" * 256}, "name"), ({**X, "status": "active"}, "status"),
    ({**X, "status": "GONE"}, "status"), ({**X, "credit_limit": -1}, "credit_limit"),
    ({**X, "price_list_id": 999}, "price_list_id"), ({**X, "payment_term_id": 999}, "payment_term_id"),
    ({**X, "parent_partner_id": 10**9}, "parent_partner_id"), ({**X, "salesperson_id": 9}, "salesperson_id"),
    ({**X, "customer_id": 10**9}, "customer_id"), ({**X, "vat_group_code": "NO"}, "vat_group_code"),
    ({**X, "geo_area_code": "NO"}, "geo_area_code"), ({**X, "geo_lat": 91, "geo_lng": 0}, "geo_lat"),
    ({**X, "geo_lat": 33.5}, "geo_lng"), ({**X, "email": "nobody"}, "email"),
    ({**X, "default_discount_rate": 101}, "default_discount_rate"),
    ({**X, "max_discount_rate": -1}, "max_discount_rate"), ({**X, "block_reason": "y" * 501}, "block_reason"),
    ({**X, "status": "BLOCKED", "blocked_until": "2020-01-01"}, "blocked_until"),
    ({**X, "blocked_until": "2099-01-01"}, "blocked_until"), ({**X, "block_reason": "late"}, "block_reason"),
    ({**X, "min_order_amount": -5}, "min_order_amount"),
    ({**X, "custom_fields": {"999": "y"}}, "custom_fields.999"), ({**X, "custom_fields": {"a": 1}}, "custom_fields.a"),
    ({"partner": {"name": "x", "credit_limit": -1}}, "partner.credit_limit"), ({"partner": {}}, "partner.name"),
    ({**X, "auth": {"name": "A", "email": "no", "password": "long enough"}}, "auth.email"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "field"), BAD)
async def test_bad_input_names_its_field_and_makes_nothing(clerk: Clerk, body: object, field: str) -> None:
    before = (await clerk.get("/partners/statistics"))["statistics"]["total"]
    refused = await clerk.call("POST", "/partners", body, expect=422)
    assert field in refused["errors"] and refused["message"].endswith(".")
    assert (await clerk.get("/partners/statistics"))["statistics"]["total"] == before


async def test_nobody_stands_above_themselves(clerk: Clerk) -> None:
    top = await clerk.partner()
    middle = await clerk.partner(parent_partner_id=top["id"])
    bottom = await clerk.partner(parent_partner_id=middle["id"])
    for parent in (top, middle, bottom):
        refused = await clerk.call("PUT", f"/partners/{top['id']}", {"parent_partner_id": parent["id"]}, expect=422)
        assert "parent_partner_id" in refused["errors"]
    shown = (await clerk.get(f"/partners/{middle['id']}"))["partner"]
    assert shown["parent"]["id"] == top["id"] and [c["id"] for c in shown["children"]] == [bottom["id"]]


async def test_credit_is_for_who_may_decide_about_it(office: Office, clerk: Clerk) -> None:
    sales, viewer = await office.clerk("sales"), await office.clerk("viewer")
    refused = await sales.call("POST", "/partners", {"name": "x", "credit_limit": 5}, expect=403)
    assert refused["error"]["code"] == "CREDIT_NOT_ALLOWED"
    partner = await sales.partner()
    await sales.call("PUT", f"/partners/{partner['id']}", {"credit_limit": 5}, expect=403)
    await sales.call("PATCH", f"/partners/{partner['id']}/credit", {"credit_limit": 5}, expect=403)
    await viewer.call("PUT", f"/partners/{partner['id']}", {"name": "y"}, expect=403)
    await viewer.get(f"/partners/{partner['id']}")
    controller = await office.clerk("credit_controller")
    path = f"/partners/{partner['id']}/credit"
    done = await controller.call("PATCH", path, {"credit_limit": 20000, "reason": "Review"})
    assert done["message"] == "Credit limit updated successfully" and done["partner"]["credit_limit"] == 20000
    await controller.call("PATCH", path, {"credit_limit": -1}, expect=422)
    await controller.call("PATCH", path, {"credit_limit": 1, "reason": "x" * 501}, expect=422)


async def test_half_a_place_is_none(clerk: Clerk) -> None:
    partner = await clerk.partner(geo_lat=33.5, geo_lng=-7.6)
    path = f"/partners/{partner['id']}"
    for sent, missing in (("geo_lat", "geo_lat"), ("geo_lng", "geo_lng")):
        assert missing in (await clerk.call("PATCH", path, {sent: None}, expect=422))["errors"]
    await clerk.call("PATCH", path, {"geo_lat": None, "geo_lng": None})
    shown = (await clerk.get(path))["partner"]
    assert (shown["geo_lat"], shown["geo_lng"]) == (None, None)


async def test_a_line_of_a_form_that_nobody_filled_in_is_empty(clerk: Clerk) -> None:
    partner = await clerk.partner(email="a@acme.com", phone="+33123456789")
    await clerk.call("PUT", f"/partners/{partner['id']}", {"email": "", "phone": ""})
    shown = (await clerk.get(f"/partners/{partner['id']}"))["partner"]
    assert (shown["email"], shown["phone"]) == (None, None)


async def test_a_rate_is_kept_as_it_is_sent_or_refused(clerk: Clerk) -> None:
    for rate in (12.345, 0.001, 1e-9):
        refused = await clerk.call("POST", "/partners", {"name": "x", "default_discount_rate": rate}, expect=422)
        assert "default_discount_rate" in refused["errors"]
    for rate in (0.01, 12.35, 33.3, 99.99, 100):
        assert (await clerk.partner(default_discount_rate=rate))["default_discount_rate"] == rate


async def test_a_bulk_deletion_says_who_stands_in_its_way(office: Office, clerk: Clerk) -> None:
    ids = [(await clerk.partner())["id"] for _ in range(3)]
    async with office.services.pool.transaction() as conn:
        await conn.execute(
            "INSERT INTO trade_orders (code, partner_no, currency, lines, subtotal_minor, discount_minor, tax_minor, "
            "total_minor, credit_minor) VALUES ($1, $2, 'INR', '[]', 0, 0, 0, 0, 0)",
            f"T{uuid4().hex[:8]}", ids[1],
        )  # fmt: skip
    code = (await clerk.get(f"/partners/{ids[1]}"))["partner"]["code"]
    refused = await clerk.call("DELETE", "/partners/bulk/delete", {"partner_ids": ids}, expect=409)
    assert refused["error"]["details"] == {"partner_ids": [ids[1]]} and code in refused["message"]
    await clerk.call("DELETE", "/partners/bulk/delete", {"partner_ids": [ids[0], ids[2]]})
