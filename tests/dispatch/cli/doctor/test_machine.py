"""What the doctor says of open files."""

from __future__ import annotations

import pytest

from dispatch.cli.doctor.machine import open_files_of
from dispatch.process import open_files


@pytest.mark.parametrize(
    ("most", "verdict", "said"),
    [
        (65_536, "ok", "up to 65536"),
        (4_096, "ok", "up to 4096"),
        (4_095, "note", "about 3839 connections"),
        (1_024, "note", "about 768 connections"),
        (1_023, "wrong", "about 767 connections"),
        (256, "wrong", "about 128 connections"),
    ],
)
def test_few_open_files_are_few_connections_and_doctor_says_what_to_allow(most: int, verdict: str, said: str) -> None:
    found = open_files_of(most)
    assert (found.what, found.verdict) == ("open files", verdict)
    assert said in found.seen
    assert (str(open_files.WANTED) in found.remedy) == (verdict != "ok")
