"""The pages' files: where the map leads, and all that a policy opens."""

from __future__ import annotations

import re
from pathlib import Path

import orjson
import pytest

from api.admin.imports import PARTNER_COLUMNS, SERVICE_COLUMNS
from api.console.assets import Assets, csp_hash
from api.console.pages import content_policy
from dispatch.live.sessions import Ending
from tests.world import test_settings


def test_a_cdn_and_tiles_are_all_that_a_policy_opens(tmp_path: Path) -> None:
    files = Assets()
    there = files.import_map("ops/page.js", "https://cdn.example.com")
    assert all(url.startswith("https://cdn.example.com/assets/") for url in orjson.loads(there)["imports"].values())
    settings = test_settings(
        tmp_path,
        console={"cdn_url": "https://cdn.example.com", "tile_url": "https://tiles.example.com/{z}/{x}/{y}.png"},
    )
    policy = dict(part.split(" ", 1) for part in content_policy(settings, there).split("; "))
    assert policy["script-src"] == f"'self' https://cdn.example.com {csp_hash(there)}"
    assert policy["img-src"] == "'self' https://cdn.example.com data: blob: https://tiles.example.com"
    assert policy["connect-src"] == "'self'"


@pytest.mark.parametrize("wrong", ["tiles/{z}/{x}/{y}", "https://t.example.com/{z}.png", "https://a b;c/{z}/{x}/{y}"])
def test_a_tile_address_that_is_none_is_refused(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="tile"):
        test_settings(tmp_path, console={"tile_url": wrong})


def test_every_ending_of_a_sign_in_has_words() -> None:
    code = Assets().get("lib/endings.js").body.decode()
    said = set(re.findall(r"^  ([a-z_]+): ", code, re.MULTILINE))
    assert said == set(Ending)


@pytest.mark.parametrize(("kind", "columns"), [("services", SERVICE_COLUMNS), ("technicians", PARTNER_COLUMNS)])
def test_the_page_of_imports_names_the_columns_that_are_taken(kind: str, columns: tuple[str, ...]) -> None:
    code = Assets().get("admin/imports.js").body.decode()
    named = re.search(rf'\["{kind}", .*?"\.csv", "CSV with these columns, in any order: ([^.]*)\.', code)
    assert named is not None
    assert tuple(name.rstrip("*") for name in named[1].split(", ")) == columns
