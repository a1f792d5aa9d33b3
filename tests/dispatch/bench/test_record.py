"""Runs of the bench are kept part by part, and the README shows those that are kept."""

from __future__ import annotations

from pathlib import Path

from dispatch.bench.figures import Figure
from dispatch.bench.record import keep, tables, told

ROOT = Path(__file__).resolve().parents[3]


def test_a_part_that_runs_again_takes_its_own_place(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    keep(file, {"idle": told(1, 0.5, [Figure("idle", "socket", "KiB", 9.0)]), "ping": told(3, 2.0, [])})
    keep(file, {"idle": told(3, 0.25, [Figure("idle", "socket", "KiB", 4.25)])})
    idle, ping = tables(file).split("\n\n`")
    head, _, table = idle.partition("\n\n")
    assert head.startswith("`./run bench idle`, 20") and head.endswith(", 3 rounds, load average before it 0.2:")
    assert table.splitlines()[-1] == "| socket | 4.25 KiB |  |  |  |"
    assert ping.startswith("./run bench ping`")


def test_a_part_of_very_many_figures_is_summed_up(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    many = [Figure("lists", f"list {n}", "ms", float(n), wanted="<= 10 ms" if n < 60 else "") for n in range(1, 62)]
    keep(file, {"lists": told(1, 0.0, many)})
    assert tables(file).splitlines()[-2:] == [
        "| 59 of them | 1.00 ms | 59.0 ms | list 59 | <= 10 ms |", "| 2 of them | 60.0 ms | 61.0 ms | list 61 |  |",
    ]  # fmt: skip


def test_the_readme_has_the_tables_of_the_runs_that_are_kept() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    found = text.split("<!-- figures -->")[1].split("<!-- /figures -->")[0].strip()
    assert found == tables(ROOT / "docs" / "figures.json"), "put the output of `dispatch bench --tables` there"
