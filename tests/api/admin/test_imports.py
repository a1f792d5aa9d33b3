"""CSV in: every line on its own, named when it is wrong; and out again without formulas."""

from __future__ import annotations

import csv
import io
import zipfile
from io import BytesIO
from typing import Any

import pytest
from aiohttp import FormData

from tests.api.admin.counter import Counter


async def send(c: Counter, path: str, content: bytes, kind: str = "text/csv") -> tuple[int, Any]:
    form = FormData(quote_fields=False)
    form.add_field("file", BytesIO(content), filename="list.csv", content_type=kind)
    headers = {"Authorization": f"Bearer {c.staff.token}"}
    async with c.staff.client.post(f"/v1/admin{path}", data=form, headers=headers) as reply:
        return reply.status, await reply.json()


async def download(c: Counter, path: str) -> bytes:
    headers = {"Authorization": f"Bearer {c.staff.token}"}
    async with c.staff.client.get(f"/v1/admin{path}", headers=headers) as reply:
        assert reply.status == 200, await reply.text()
        return await reply.read()


async def test_services_come_in_line_by_line_and_go_out_to_come_in_again(counter: Counter) -> None:
    lines = (
        "\ufeffName,Category,Service type,Tier,Product cost,Market price,Duration minutes,Description\r\n"
        'Clean up,Cleaning,Cleaning,Minimal,499.50,599,45,"=HYPERLINK(""http://evil"")"\r\n'
        "Bad tier,Cleaning,Cleaning,Golden,10,,30,\r\n"
        "Too cheap,Cleaning,Cleaning,Minimal,-1,,3,\r\n\r\n"
    )
    status, body = await send(counter, "/services/import", lines.encode(), kind="application/vnd.ms-excel")
    told = body["data"]
    assert status == 200 and (told["succeeded"], told["failed"]) == (1, 2), body
    assert [(r["row"], r["ok"], r["status"]) for r in told["results"]] == [
        (2, True, "created"), (3, False, None), (4, False, None),
    ]  # fmt: skip
    assert list(told["results"][1]["error"]["details"]) == ["tier"]
    assert set(told["results"][2]["error"]["details"]) == {"product_cost", "duration_minutes"}
    out = (await download(counter, "/services/export?search=clean")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [r["name"] for r in rows] == ["Clean up"] and rows[0]["description"].startswith("'=HYPERLINK")
    rows[0] |= {"product_cost": "450", "is_active": "no"}
    back = io.StringIO()
    writer = csv.DictWriter(back, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    _, body = await send(counter, "/services/import", back.getvalue().encode())
    assert [r["status"] for r in body["data"]["results"]] == ["updated"], body
    service = (await counter.ask("GET", f"/services/{rows[0]['id']}"))["service"]
    assert (service["product_cost"], service["is_active"]) == (450.0, False)
    assert service["description"].startswith("=HYPERLINK")
    sheet = zipfile.ZipFile(BytesIO(await download(counter, "/services/export?format=xlsx")))
    assert not any(b"<f>" in sheet.read(n) for n in sheet.namelist() if n.startswith("xl/worksheets/"))


async def test_a_cost_is_raised_in_a_file_where_no_market_price_is_kept(counter: Counter) -> None:
    lines = "name,category,service_type,tier,product_cost,description\nBare,Bare,Bare,Minimal,100,'Bare' and so on\n"
    _, body = await send(counter, "/services/import", lines.encode())
    assert body["data"]["succeeded"] == 1, body
    out = (await download(counter, "/services/export?category=Bare")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [(r["product_cost"], r["market_price"]) for r in rows] == [("100.0", "")]
    back = io.StringIO()
    writer = csv.DictWriter(back, rows[0].keys())
    writer.writeheader()
    writer.writerow(rows[0] | {"product_cost": "150"})
    _, body = await send(counter, "/services/import", back.getvalue().encode())
    assert body["data"]["succeeded"] == 1, body
    service = (await counter.ask("GET", f"/services/{rows[0]['id']}"))["service"]
    assert (service["product_cost"], service["market_price"]) == (150.0, 150.0)
    # What nothing had to make safe keeps its quotation mark.
    assert service["description"] == "'Bare' and so on"


async def test_technicians_come_in_line_by_line(counter: Counter) -> None:
    lines = (
        "name,phone_number,service_categories,service_tiers,start,end,days,aadhar_number,pan_number\n"
        "Asha,+919812300001,Facial;Waxing,Minimal,08:00,20:00,1-6,999941057058,ABCDE1234F\n"
        "Asha again,+919812300001,Facial,Minimal,08:00,20:00,1;2,,\n"
        "Nobody,12,Facial,Minimal,8,20:00,9,12,\n"
    )
    _, body = await send(counter, "/partners/import", lines.encode())
    told = body["data"]["results"]
    assert [r["ok"] for r in told] == [True, False, False] and told[0]["status"].startswith("PT-")
    assert told[1]["error"]["code"] == "PHONE_TAKEN"
    assert {"aadhar_number", "working_hours.start", "working_hours.days.0"} <= set(told[2]["error"]["details"])
    partner = (await counter.ask("GET", f"/partners/{told[0]['id']}"))["partner"]
    assert partner["working_hours"]["days"] == [1, 2, 3, 4, 5, 6]
    assert partner["service_categories"] == ["Facial", "Waxing"]
    found = (await download(counter, "/partners/export?search=asha")).decode("utf-8-sig")
    assert [r["Name"] for r in csv.DictReader(io.StringIO(found))] == ["Asha"]


@pytest.mark.parametrize(("content", "words"), [
    (b"name,colour\nx,red\n", "colour"), (b"name,name\nx,y\n", "each column once"), (b"", "empty"),
    (b"name\n" + b"x\n" * 501, "At most 500"), ("näme".encode("latin-1") + b"\n\xff\xfe", "csv"),
    (b'name\n"never closed', "no CSV file"), (b"%PDF-1.4", "csv"),
])  # fmt: skip
async def test_what_is_no_such_table_is_refused_whole(counter: Counter, content: bytes, words: str) -> None:
    status, body = await send(counter, "/services/import", content, kind="application/octet-stream")
    assert status == 422 and words in body["message"], body


HEAD = "name,category,service_type,tier,product_cost,description,is_active\n"


async def test_a_line_that_a_comma_has_moved_along_refuses_the_file(counter: Counter) -> None:
    lines = HEAD + "Whole,Moved,Moved,Minimal,100,Fine,yes\nTorn,Moved,Moved,Minimal,100,Deep clean,yes,no\n"
    status, body = await send(counter, "/services/import", lines.encode())
    assert status == 422 and "Line 3 has more cells" in body["message"], body
    assert (await counter.ask("GET", "/services?category=Moved"))["services"] == []
    # Separators alone are what spreadsheets leave behind.
    status, body = await send(counter, "/services/import", lines.replace(",yes,no", ",yes,,,").encode())
    assert body["data"]["succeeded"] == 2, body


async def test_a_row_is_told_by_the_line_on_which_it_begins_and_semicolons_separate_too(counter: Counter) -> None:
    lines = HEAD.replace(",", ";") + 'Long;Lines;Lines;Minimal;100;"One\ntwo\nthree";yes\nBad;Lines;Lines;Golden;1;;\n'
    _, body = await send(counter, "/services/import", lines.encode())
    assert [(r["row"], r["ok"]) for r in body["data"]["results"]] == [(2, True), (5, False)], body
    assert list(body["data"]["results"][1]["error"]["details"]) == ["tier"]


async def test_a_file_that_is_sent_again_makes_nothing_twice(counter: Counter) -> None:
    lines = HEAD + "Once,Again,Again,Minimal,100,,yes\nONCE,again,Again,Minimal,120,,yes\nOnce,Again,Again,E-Lite,9,,\n"
    told = [(await send(counter, "/services/import", lines.encode()))[1]["data"]["results"] for _ in range(2)]
    assert [[r["ok"] for r in results] for results in told] == [[True, False, True], [False, False, False]]
    error = told[1][0]["error"]
    assert (error["code"], error["details"]) == ("SERVICE_EXISTS", {"id": told[0][0]["id"]})
    found = (await counter.ask("GET", "/services?category=Again"))["services"]
    assert sorted(s["tier"] for s in found) == ["E-Lite", "Minimal"]
