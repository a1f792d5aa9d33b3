"""What signing in takes: one reading of a code wherever one is given."""

from __future__ import annotations

from uuid import uuid4

import pytest
from pydantic import BaseModel, ValidationError

from api.auth.sign_in import ResetIn
from api.customer.auth import VerifyOtpIn
from api.realtime.events import JobAdvance
from api.technician.auth import LoginIn
from api.technician.bookings import StartIn, StatusIn


def readings(code: str) -> list[str]:
    phone = "+911234567890"
    return [
        ResetIn(email="owner@example.com", otp=code, new_password="a password").otp,
        VerifyOtpIn(phone_number=phone, otp_code=code).otp_code,
        LoginIn(phone_number=phone, otp_code=code).otp_code,
    ]


@pytest.mark.parametrize("code", ["123456", " 123456\n", "\u200b123456", "\u2066123\u00a0456\u2069", "\ufeff123456"])
def test_what_copying_brings_along_is_no_part_of_a_code(code: str) -> None:
    assert readings(code) == ["123456"] * 3


@pytest.mark.parametrize("code", ["1234", " 1234\n", "\u200b12\u00a034", "\u206612 34\u2069"])
def test_what_typing_and_copying_bring_along_is_no_part_of_a_start_code(code: str) -> None:
    """Each wrong one counts, and five of them lock the job."""
    command = {"command_id": uuid4(), "booking_id": uuid4(), "step": "in_progress", "start_code": code}
    given = [StartIn(start_code=code), StatusIn(status="in_progress", start_code=code), JobAdvance(**command)]
    assert [one.start_code for one in given] == ["1234"] * 3


@pytest.mark.parametrize("code", ["12345", "1234567", "12345x", "\u200b", "\u0661\u0662\u0663\u0664\u0665\u0666"])
@pytest.mark.parametrize(("model", "field", "others"), [
    (ResetIn, "otp", {"email": "owner@example.com", "new_password": "a password"}),
    (VerifyOtpIn, "otp_code", {"phone_number": "+911234567890"}),
])  # fmt: skip
def test_six_digits_are_a_code(model: type[BaseModel], field: str, others: dict[str, str], code: str) -> None:
    with pytest.raises(ValidationError) as failure:
        model(**others, **{field: code})
    assert [error["loc"] for error in failure.value.errors()] == [(field,)]
