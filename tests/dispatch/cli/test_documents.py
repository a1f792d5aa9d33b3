"""The table of settings."""

from __future__ import annotations

from pathlib import Path

from dispatch.cli.documents import settings_markdown, variables
from dispatch.config import Settings

README = Path(__file__).resolve().parents[3] / "README.md"


def test_every_setting_says_what_it_is_for() -> None:
    undescribed = [v.name for v in variables(Settings) if not v.field.description]
    assert undescribed == []


def test_the_readme_has_the_table() -> None:
    text = README.read_text("utf-8")
    table = text.split("<!-- settings -->")[1].split("<!-- /settings -->")[0].strip()
    assert table == settings_markdown(), "put the output of `dispatch config --markdown` between the markers"
