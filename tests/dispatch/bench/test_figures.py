"""Medians over rounds, ratios that say how many times better, and the table that people read."""

from __future__ import annotations

from dispatch.bench.figures import Figure, Rounds, markdown, spoken, table


def test_a_ratio_says_how_many_times_better() -> None:
    assert Figure("ping", "rate", "/s", 300.0, "Node", 100.0, is_rate=True).ratio == 3.0
    assert Figure("ping", "CPU", "us", 30.0, "Node", 60.0).ratio == 2.0
    assert Figure("ping", "CPU", "us", 30.0).ratio is None
    assert Figure("ping", "CPU", "us", 0.0, "Node", 60.0).ratio is None


def test_the_median_counts() -> None:
    rounds = Rounds()
    for value in (5.0, 1.0, 90.0):
        rounds.add("here", "rate", value)
    assert rounds.of("here", "rate") == 5.0 and rounds.of("Node", "rate") is None


def test_the_table_is_for_people() -> None:
    figures = [
        Figure("ping", "rate", "/s", 123_456.7, "Node", 61_728.0, is_rate=True, wanted=">= 2x"),
        Figure("idle", "socket", "KiB", 4.25, note="4,000 of them"),
        Figure("ping", "CPU", "us", 30.0, "Bun", 60.0, note="all admitted"),
    ]
    assert table(figures) == [
        ("ping: rate", "123,457 /s", "61,728 /s, Node", "2.00x", ">= 2x"),
        ("idle: socket", "4.25 KiB", "4,000 of them", "", ""),
        ("ping: CPU", "30.0 us", "60.0 us, Bun: all admitted", "2.00x", ""),
    ]
    assert spoken(None, "us") == "-" and spoken(12.34, "us") == "12.3 us"


def test_a_row_of_the_readme_has_everybody_who_stood_beside() -> None:
    figures = [
        Figure("ping", "rate", "/s", 123_456.7, "Node", 61_728.0, is_rate=True, wanted=">= 2x", note="all admitted"),
        Figure("ping", "rate", "/s", 123_456.7, "Bun", 154_000.0, is_rate=True, wanted=">= 2x", note="all admitted"),
        Figure("idle", "socket", "KiB", 4.25),
    ]
    assert markdown(figures).splitlines()[2:] == [
        "| rate (all admitted) | 123,457 /s | Node 61,728; Bun 154,000 | 2.0; 0.80 | >= 2x |",
        "| socket | 4.25 KiB |  |  |  |",
    ]
    assert [Figure.of(one.as_dict()) for one in figures] == figures
