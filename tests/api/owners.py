"""Two owners who both have something: what an answer tells of, what of it is empty, and what never stays the same."""

from __future__ import annotations

import re
from typing import Any

import orjson

#: Whatever names one thing or person: ids, numbers of documents, addresses, phones.
NAMES = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[A-Z]{2,5}-[0-9A-Z]{4,}(?:-[0-9A-Z]+)*|[\w.+-]+@[\w-]+\.[\w.-]+|\+\d{9,15}"
)
#: The phone of whoever books in a test.
EVERYBODY_S = {"+911234567890"}
#: When an answer was written, and where a file lies that was made for it.
PASSING = re.compile(rb'"timestamp":"[^"]*"|/v1/files/[\w-]+\?expires=\d+&signature=[\w-]+')


def steady(answer: Any) -> bytes:
    """An answer without what changes from one moment to the next; files as they are, but papers, which say when."""
    if isinstance(answer, bytes) and answer.startswith(b"%PDF"):
        return b""
    return PASSING.sub(b"", answer if isinstance(answer, bytes) else orjson.dumps(answer))


def told(answer: Any) -> set[str]:
    """All that an answer names."""
    return set(NAMES.findall(steady(answer).decode("utf-8", "replace"))) - EVERYBODY_S


def empty_lists(answer: Any) -> set[str]:
    """The lists that an answer is made of and that have nothing in them; what is inside of things does not count."""
    if not isinstance(answer, dict):
        return {"file"} if len(answer.splitlines()) < 2 else set()
    data = answer.get("data", answer)
    named = data.items() if isinstance(data, dict) else [("data", data)]
    return {name for name, value in named if value == []}
