"""The contract's own words to the portal: each documented request is taken, each documented key answered."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from aiohttp import FormData

from dispatch.billing import invoices
from dispatch.billing.invoices import last_period
from dispatch.events import Actor
from dispatch.localtime import local
from dispatch.parties import support
from dispatch.parties.support import ContactIn, TrainingIn
from tests.api.contract import CONTRACT, ELISION
from tests.api.organisation.conftest import Portal
from tests.api.test_contract import differences
from tests.organisations import Home, add_organisation
from tests.parties import add_account, add_membership

FOUND = orjson.loads(CONTRACT.read_bytes()) if CONTRACT.exists() else []
ENDPOINTS = {e["id"]: e for e in FOUND if e.get("system") == "org"}
pytestmark = pytest.mark.skipif(not ENDPOINTS, reason="the shared contract is not here")


@dataclass
class Firm:
    """An organisation that has something of everything."""

    home: Home
    member: str
    other: str
    department: str
    sales: str


@pytest.fixture(scope="module")
async def firm(portal: Portal) -> AsyncIterator[Firm]:
    services = portal.services
    sarah = await add_account(services, "sarah.johnson@localpro.example")
    await add_membership(services, sarah, "admin", "support")
    home = await add_organisation(services, address={"country": "Philippines"}, budget_minor=100_000_00)
    one, two = await home.department("Ops", budget_minor=1000_00), await home.department("Marketing")
    member, other = await home.member(department_id=one.id), await home.member(department_id=one.id)
    day = local(services.clock.now(), "Asia/Manila").date()
    span = last_period(day, "monthly")
    for when in (span.end, day):
        await home.done(when, department_id=one.id, member_id=member, rating=5, currency="PHP")
    later = services.clock.now().replace(year=2090)
    boss = Actor("admin", str(sarah))
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE accounts SET phone = '+639171234569' WHERE id = $1", sarah)
        await invoices.issue(tx, home.id, span, kind="requested")
        await tx.conn.execute(
            "INSERT INTO budget_months (organisation_id, month, amount_minor, spent_minor)"
            " VALUES ($1, $2, 10000000, 9000000)",
            home.id, day.replace(day=1),
        )  # fmt: skip
        for card in (
            ContactIn("account_manager", sarah, "Manager", None, None, "+63", "Mon-Fri", ("English",)),
            ContactIn("technical", None, None, "t@x.example", "+63", None, "24/7"),
            ContactIn("emergency", None, None, "e@x.example", "+63", None, None, (), "Urgent only"),
        ):
            await support.put_contact(tx, boss, card)
        for training in (
            TrainingIn("video", "Overview", "https://x.example/v", None, 15),
            TrainingIn("live", "Workshop", None, None, 120, None, later, 25),
        ):
            await support.add_training(tx, boss, training)
    yield Firm(home, str(member), str(other), str(one.id), str(two.id))


def named(firm: Firm, value: Any) -> Any:
    """The example with real ids in place of its made-up ones."""
    ids = {
        "user123": firm.member, "user456": firm.other, "user789": firm.other, "dept123": firm.department,
        "dept456": firm.sales,
    }  # fmt: skip
    if isinstance(value, dict):
        return {key: named(firm, one) for key, one in value.items()}
    if isinstance(value, list):
        return [named(firm, one) for one in value]
    return ids.get(value, value) if isinstance(value, str) else value


Change = Callable[[Any], Any]


def _mine(body: Any) -> Any:
    body["contactInfo"]["primaryContact"]["email"] = "john.doe@contract.example"
    return body


#: What of an example has to be another: a mailbox of one's own, days that lie ahead, what the portal has no second of.
CHANGES: dict[str, Change] = {
    "org-register": _mine,
    "org-api-key-create": lambda b: b | {"expiresAt": "2090-01-07"},
    "org-invoice-request": lambda b: b | {"period": {"startDate": "2026-01-01", "endDate": "2089-12-31"}},
    "org-user-status": lambda b: b | {"status": "active"},
    "org-onboarding-step": lambda b: b,
}  # fmt: skip
#: Whose answers are files or documents of their own, and what goes as a form.
OTHERS = {"org-finance-report", "org-users-bulk-enroll"}
SENT = [
    i
    for i, e in ENDPOINTS.items()
    if i not in OTHERS and not i.startswith(("org-booking", "org-quote", "org-program", "org-preferred"))
]


@pytest.mark.parametrize("endpoint_id", SENT)
async def test_the_documented_request_gets_the_documented_answer(portal: Portal, firm: Firm, endpoint_id: str) -> None:
    endpoint = ENDPOINTS[endpoint_id]
    path = endpoint["full_path"].removeprefix("/api/partners").replace("{userId}", firm.other)
    body = named(firm, copy.deepcopy(endpoint["request_example"]))
    if endpoint_id in CHANGES:
        body = CHANGES[endpoint_id](body)
    headers = {} if endpoint_id == "org-register" else firm.home.headers() | {"X-Organization-ID": str(firm.home.id)}
    answer = await portal.call(endpoint["method"], path, body, headers=headers, expect=endpoint["success_status"])
    example = endpoint["response_example"]
    assert answer["success"] is True
    if example is not None:
        assert list(differences(without_elisions(example), answer)) == []


def without_elisions(example: Any) -> Any:
    """Maps whose keys are names (of departments), and lists that end in dots, say nothing of keys."""
    if isinstance(example, dict):
        named = {k for k, v in example.items() if k == "byDepartment" and isinstance(v, dict)}
        return {k: {} if k in named else without_elisions(v) for k, v in example.items()}
    if isinstance(example, list):
        return [without_elisions(v) for v in example if v != ELISION] or [ELISION]
    return example


async def test_the_documented_table_is_enrolled(portal: Portal, firm: Firm) -> None:
    endpoint = ENDPOINTS["org-users-bulk-enroll"]
    rows = (
        "firstName,lastName,email,employeeId,department,phoneNumber\n"
        "John,Doe,john.doe@abccorp.com,EMP001,Ops,+639171234567\nX,Y,invalid@email,EMP002,Ops,\n"
    )
    data = FormData()
    data.add_field("file", rows.encode(), filename="people.csv", content_type="text/csv")
    answer = await portal.call("POST", "/users/bulk-enroll", data=data, headers=firm.home.headers(), expect=201)
    assert list(differences(endpoint["response_example"], answer)) == []
