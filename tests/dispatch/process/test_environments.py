"""The table of environments: a row for each, in the code and in the README. Refusals are shown in cli/test_setup."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from dispatch.config import Settings
from dispatch.process.environments import ENVIRONMENTS, missing, unfit

README = Path(__file__).resolve().parents[3] / "README.md"


def test_every_environment_has_a_row() -> None:
    assert set(ENVIRONMENTS) == set(get_args(Settings.model_fields["env"].annotation))
    text = README.read_text("utf-8")
    for name, row in ENVIRONMENTS.items():
        if name != "test":
            (line,) = (line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
            assert f"`{row.gateway}…`" in line, name


def test_development_needs_nothing_and_production_says_what_it_would_need() -> None:
    settings = Settings(env="development", database_url="")
    assert missing(settings) == [] and unfit(settings) == []
    assert len(missing(settings, "production")) > len(missing(settings, "staging")) > 0
