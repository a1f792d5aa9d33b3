"""Answers in the document: each is typed, with what stands beside its data, and every refusal is listed."""

from __future__ import annotations

from typing import Any

from tests.api.documents.reading import resolved


def test_every_answer_is_typed_and_every_refusal_listed(whole: Any) -> None:
    for path, item in whole["paths"].items():
        for method, operation in item.items():
            answers = operation["responses"]
            assert {"429", "500", "503"} < answers.keys(), path
            if operation["security"]:
                assert {"401", "403"} < answers.keys(), path
            if operation["security"] and {} not in operation["security"]:
                assert "404" in answers, path
            if method != "get":
                assert {"401", "409"} < answers.keys(), path
            good = next(a for status, a in answers.items() if status.startswith("2"))
            schema = good.get("content", {}).get("application/json", {}).get("schema", {})
            for one in [schema, *schema.get("anyOf", [])]:
                if "$ref" in one and "data" in resolved(whole, one)["properties"]:
                    assert "data" in resolved(whole, one)["required"], path
    for name, response in whole["components"]["responses"].items():
        codes = response["x-error-codes"]
        assert codes and all(code in response["description"] for code in codes), name
        assert ("Retry-After" in response["headers"]) == (name[-3:] in ("429", "503", "409")), name
    assert "BOOKING_OPEN" in whole["components"]["responses"]["minuteserv_409"]["x-error-codes"]


def test_a_list_is_typed_with_what_stands_beside_it(demo: Any) -> None:
    operation = demo["paths"]["/kind/items"]["get"]
    schema = resolved(demo, operation["responses"]["200"]["content"]["application/json"]["schema"])
    data = resolved(demo, schema["properties"]["data"])
    assert data["properties"]["items"]["items"] == {"$ref": "#/components/schemas/Item"}
    assert data["required"] == ["items", "pagination", "seen"]
