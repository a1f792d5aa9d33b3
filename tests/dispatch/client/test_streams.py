"""A client's book of streams: gaps show, repetitions don't count twice, nothing missing is overlooked."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dispatch.client.streams import StreamBook


def test_in_order_nothing_is_missing() -> None:
    book = StreamBook()
    assert [book.take("a", n) for n in (1, 2, 3)] == [False, False, False]
    assert (book.last("a"), book.gaps, book.missing("a", 3), book.missing("a", 5)) == (3, 0, 0, 2)


def test_a_gap_shows_and_heals() -> None:
    book = StreamBook()
    book.take("a", 1)
    assert book.take("a", 4)
    assert book.missing("a", 4) == 2
    assert book.resume_body() == {"streams": {"a": 1}}
    assert book.take("a", 2)
    assert not book.take("a", 3)
    assert (book.last("a"), book.missing("a", 4)) == (4, 0)


def test_a_stream_from_before_starts_at_its_head() -> None:
    book = StreamBook()
    book.take("a", 8)
    book.joined("epoch", {"a": 9, "b": 4}, first=True)
    assert (book.last("a"), book.last("b")) == (8, 4)
    book.take("a", 9)
    assert book.missing("a", 9) == 0
    assert book.resume_body() == {"streams": {"a": 9, "b": 4}, "epoch": "epoch"}


def test_an_expected_stream_wants_its_first_fact() -> None:
    book = StreamBook()
    assert book.expect("a")
    book.joined("epoch", {"a": 3}, first=False)
    assert book.last("a") == 0
    book.take("a", 1)
    assert not book.expect("a")


def test_facts_before_the_name_is_known_are_kept() -> None:
    book = StreamBook()
    book.take("a", 2)
    assert book.expect("a")
    book.take("a", 1)
    assert (book.last("a"), book.missing("a", 2)) == (2, 0)


@given(st.lists(st.integers(1, 20), max_size=60))
def test_missing_is_what_was_not_taken(seqs: list[int]) -> None:
    book = StreamBook()
    book.expect("a")
    for seq in seqs:
        book.take("a", seq)
    assert book.missing("a", 20) == 20 - len(set(seqs))
    assert book.told == len(set(seqs))
    assert book.repeated == len(seqs) - len(set(seqs))
