"""Trade partners as files: exported, and imported row by row with a result for each."""

from __future__ import annotations

import csv
import io
from typing import Any
from uuid import uuid4

from aiohttp import FormData

from tests.api.erp.conftest import Clerk, Office


async def imported(
    clerk: Clerk, text: str | bytes, *, query: str = "", expect: int = 200, kind: str = "text/csv", key: str = ""
) -> Any:
    form = FormData()
    form.add_field("file", text.encode() if isinstance(text, str) else text, filename="p.csv", content_type=kind)
    more = {"X-Idempotency-Key": key} if key else {}
    return await clerk.call("POST", f"/partners/import{query}", expect=expect, data=form, headers=more)


async def test_each_row_has_its_result(clerk: Clerk) -> None:
    code = f"I{uuid4().hex[:6]}"
    text = (
        "name,code,credit_limit,email,status,custom_fields.1,unknown\r\n"
        f"First,{code},1000.50,first@acme.com,ACTIVE,TAX-1,x\r\n"
        f"Again,{code},,,,,\r\n"
        ",,,,,,\r\n"
        "Bad,,-5,nobody,active,,\r\n"
        '"Quoted, Ltd",,,,,,\r\n'
    )
    done = await imported(clerk, text)
    assert (done["total"], done["created"], done["updated"], done["failed"]) == (4, 2, 0, 2)
    assert done["ignored_columns"] == ["unknown"]
    assert done["status"] == "completed" and await clerk.get(f"/partners/imports/{done['id']}") == done
    await clerk.call("GET", f"/partners/imports/{uuid4()}", expect=404)
    first, again, bad, quoted = done["data"]
    assert (first["row"], first["result"], first["partner_code"]) == (2, "created", code)
    assert again["result"] == "failed" and "code" in again["message"]
    assert bad["row"] == 5 and bad["errors"].keys() == {"credit_limit", "email", "status"}
    assert quoted["result"] == "created"
    shown = await clerk.get(f"/partners/{first['partner_id']}")
    assert (shown["partner"]["credit_limit"], shown["taxId"]) == (1000.5, "TAX-1")
    again = await imported(clerk, f"code;name\n{code};Renamed\n", query="?update=true")
    assert (again["updated"], again["data"][0]["partner_id"]) == (1, first["partner_id"])
    assert (await clerk.get(f"/partners/{first['partner_id']}"))["partner"]["name"] == "Renamed"


async def test_the_same_file_under_the_same_key_is_imported_once(office: Office, clerk: Clerk) -> None:
    key, word = uuid4().hex, f"once{uuid4().hex[:8]}"
    text = f"name\n{word}\n"
    first = await imported(clerk, text, key=key)
    assert first["created"] == 1
    assert await imported(clerk, text, key=key) == first
    # Another file, or another wish, is another request; without a key, or from somebody else, it is one of its own.
    for content, query in ((text + "Twice\n", ""), (text, "?update=true")):
        refused = await imported(clerk, content, query=query, key=key, expect=422)
        assert refused["errors"].keys() == {"X-Idempotency-Key"}
    assert (await imported(clerk, text, key="short", expect=422))["errors"].keys() == {"X-Idempotency-Key"}
    assert (await imported(await office.clerk("sales"), text, key=key))["id"] != first["id"]
    assert (await imported(clerk, text))["id"] != first["id"]
    assert len((await clerk.get(f"/partners/search?q={word}"))["data"]) == 3


async def test_what_is_no_text_fails_its_row_alone(clerk: Clerk) -> None:
    done = await imported(
        clerk, "name,email,credit_limit\nZero \0 inside,,\nFine,,\nHuge,,1e400\nHuge,,99999999999999999999\n"
    )
    assert [row["result"] for row in done["data"]] == ["failed", "created", "failed", "failed"]
    assert done["data"][0]["errors"].keys() == {"name"}


async def test_what_is_no_such_file_is_refused(clerk: Clerk) -> None:
    for content in ("", "name\n", "\n\n", b"\xff\xfe\x00", "name\n" + "x\n" * 1001):
        assert "file" in (await imported(clerk, content, expect=422))["errors"]
    await imported(clerk, "%PDF-", expect=422, kind="application/pdf")
    await clerk.call("POST", "/partners/import", {"name": "x"}, expect=400)


async def test_an_export_is_what_an_import_reads(office: Office, clerk: Clerk) -> None:
    field = {"field_name": "rank", "field_label": "Rank", "field_type": "number"}
    own = (await clerk.call("POST", "/custom-fields", field, expect=201))["data"]["id"]
    given = {"1": "TAX-9", str(own): 4}
    made = await clerk.partner(name="=Formula", city="Exportville", credit_limit=12.5, custom_fields=given)
    content = await clerk.call("GET", "/partners/export?city=exportville")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [row["code"] for row in rows] == [made["code"]]
    assert (rows[0]["credit_limit"], rows[0]["name"]) == ("12.5", "'=Formula")
    assert (rows[0]["custom_fields.1"], rows[0][f"custom_fields.{own}"]) == ("TAX-9", "4")
    content = content.replace(b"TAX-9", b"TAX-10")
    done = await imported(clerk, content, query="?update=true")
    assert done["failed"] == 0 and done["updated"] == 1
    shown = await clerk.get(f"/partners/{made['id']}")
    assert (shown["partner"]["name"], shown["taxId"], shown["customFields"]["rank"]["value"]) == (
        "=Formula",
        "TAX-10",
        4,
    )
    viewer = await office.clerk("viewer")
    assert (await viewer.call("GET", "/partners/export?format=xlsx"))[:2] == b"PK"
    await imported(viewer, "name\nx\n", expect=403)


async def test_a_moment_that_there_is_not_fails_its_row_alone(clerk: Clerk) -> None:
    field = {"field_name": f"m{uuid4().hex[:6]}", "field_label": "Met", "field_type": "datetime"}
    own = (await clerk.call("POST", "/custom-fields", field, expect=201))["data"]["id"]
    done = await imported(clerk, f"name,custom_fields.{own}\nA,0001-01-01T00:00:00+10:00\nB,2026-01-31T10:00:00Z\n")
    assert (done["status"], [row["result"] for row in done["data"]]) == ("completed", ["failed", "created"])
    assert done["data"][0]["errors"].keys() == {f"custom_fields.{own}"}


async def test_a_column_that_is_misspelt_is_named_also_where_every_row_fails(clerk: Clerk) -> None:
    done = await imported(clerk, "Name,E-Mail,auth,custom_fields\nAcme,a@acme.com,x,y\n")
    assert (done["failed"], done["data"][0]["errors"].keys()) == (1, {"name"})
    assert done["ignored_columns"] == ["E-Mail", "Name", "auth", "custom_fields"]


async def test_a_file_that_changes_partners_names_what_it_changes_and_no_more(clerk: Clerk) -> None:
    one, two = await clerk.partner(city="Rabat"), await clerk.partner(credit_limit=5)
    text = f"code,credit_limit\n{one['code']},1000\n{two['code']},2000\nNOBODY,3000\n"
    done = await imported(clerk, text, query="?update=true")
    assert [row["result"] for row in done["data"]] == ["updated", "updated", "failed"]
    assert done["data"][2]["errors"].keys() == {"name"}
    shown = (await clerk.get(f"/partners/{one['id']}"))["partner"]
    assert (shown["name"], shown["city"], shown["credit_limit"]) == ("Acme Corp", "Rabat", 1000)
    assert (await imported(clerk, text))["failed"] == 3
    assert (await imported(clerk, "credit_limit\n5\n", query="?update=true"))["failed"] == 1
