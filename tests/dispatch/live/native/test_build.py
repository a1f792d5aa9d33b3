"""The native module is made where a compiler is; elsewhere there is none, and only the doctor says why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dispatch.cli.doctor.machine import native_core
from dispatch.live.native import build


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment without a module."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return build.place()


def test_without_a_compiler_all_is_python(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert build.ready() is None and not place.exists()
    finding = native_core()
    assert finding.verdict == "note" and "no C compiler" in finding.seen


def test_without_an_environment_nothing_is_left_among_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    assert build.ready() is None
    assert not build.place().parent.exists()


def test_what_does_not_compile_is_said(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "cc"
    program.write_text("#!/bin/sh\necho 'fixes.c:1: sorry' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    finding = native_core()
    assert finding.verdict == "note" and ("sorry" in finding.seen or "headers" in finding.seen)
    assert build.ready() is None and not list(tmp_path.rglob("*.so"))


def test_what_cannot_be_loaded_is_said(place: Path) -> None:
    place.parent.mkdir(parents=True)
    place.write_bytes(b"no module")
    assert build.ready() is None
    assert str(place) in native_core().seen


def test_it_is_made_once_and_its_name_says_of_what(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if build.ready() is None:
        pytest.skip(f"no native module here: {native_core().seen}")
    assert native_core().verdict == "ok"

    def run(*_: object, **__: object) -> None:
        raise AssertionError("it is there already")

    monkeypatch.setattr(subprocess, "run", run)
    assert build.ready() is not None and [file.name for file in place.parent.iterdir()] == [place.name]
    monkeypatch.setitem(build.BOUNDS, "GAP_S", 301.0)
    assert build.place() != place, "another rule is another module"
