"""What integrations write of themselves: nothing of it runs in a page, and reading it is cheap."""

from __future__ import annotations

import pytest

from api.integration.views import without_tags
from tests.costs import Budget


@pytest.mark.parametrize(("written", "kept"), [
    ("Caf\u00e9 <script>alert(1)</script>Zo\u00eb & Sons", "Caf\u00e9 Zo\u00eb & Sons"),
    ("a <b>bold</b> word, 3 < 4 > 2", "a bold word, 3 < 4 > 2"),
    ("<scr<b>ipt>x", "ipt>x"), ("<<b>img src=x onerror=y>", ""), ("< / p >x<!-- y -->", "x"),
    ("<script>never closed", ""),
])  # fmt: skip
def test_what_would_run_is_taken_out(written: str, kept: str) -> None:
    assert without_tags(written) == kept


@pytest.mark.parametrize("text", [
    "<" + " " * 7_900, "<" * 2_600 + "a>" * 2_600, "<a" * 3_900, "<script>" * 900, "<" + " " * 990,
    "<" * 330 + "a>" * 330, "<a" * 490, "<script>" * 120, "< /" * 330, "</ script" * 110,
], ids=len)  # fmt: skip
def test_hostile_texts_cost_little(text: str) -> None:
    budget = Budget(0.03)
    while budget.goes_on():
        with budget.measured():
            without_tags(text)
    assert budget.is_kept(), budget.costs
