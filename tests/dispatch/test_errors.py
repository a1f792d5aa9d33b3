"""What can go wrong: a kind, a code, a sentence, and every bad field at once."""

from __future__ import annotations

import pytest

from dispatch.errors import Conflict, DispatchError, Gone, Invalid, Kind, Missing, Throttled


def test_without_words_of_its_own_it_says_what_its_class_says() -> None:
    error = Conflict()
    assert (error.kind, error.code, error.message) == (
        Kind.CONFLICT, "conflict", "The state of things does not allow this.",
    )  # fmt: skip
    assert str(Gone("It went away")) == "It went away."
    assert Throttled(retry_after_s=3.0).retry_after_s == 3.0


def test_documented_words_stay_as_they_are() -> None:
    class Wrong(DispatchError):
        """Current password is incorrect"""

        is_documented = True

    assert Wrong().message == "Current password is incorrect"


def test_every_bad_field_is_named_and_the_first_ones_sentence_is_the_message() -> None:
    error = Invalid({"start_date": "must be a date", "name": ["must be text", "It is too long."]})
    assert error.details == {
        "start_date": [error.message], "name": [error.fields["name"][0], "It is too long."],
    }  # fmt: skip
    assert error.message.endswith("must be a date.") and error.message[0].isupper()
    assert Invalid().message == "The request is not valid." and Invalid().details == {}
    assert Invalid({"a": "must be text"}, "Something else.").message == "Something else."


def test_what_is_missing_is_a_noun() -> None:
    assert Missing("price list").message == "There is no such price list."
    assert Missing().message == "There is no such thing."
    for no_noun in ("The booking is gone.", "Booking", "this preview has already become a booking"):
        with pytest.raises(ValueError, match="is no noun"):
            Missing(no_noun)


def test_details_are_its_own() -> None:
    given = {"a": 1}
    error = Conflict(details=given)
    given["a"] = 2
    assert error.details == {"a": 1}
