"""An agreement names both sides, in whatever letters they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatch.reports.agreement_pdf import draw
from tests.dispatch.reports.papers import NAMES, said


@pytest.mark.parametrize("name", [name for script, name in NAMES.items() if script != "Arabic"])
def test_names_in_letters_of_india_are_on_it(name: str) -> None:
    # Where it says who agrees, and in two of the clauses.
    found = said(draw("Dispatch", name, "ORG-1"))
    assert all(found.count(word) == 3 for word in name.split())


@given(st.text(), st.text())
def test_any_names_may_stand_on_it(brand: str, organisation: str) -> None:
    assert draw(brand, organisation, "ORG-1").startswith(b"%PDF-")
