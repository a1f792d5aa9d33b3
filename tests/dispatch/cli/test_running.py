"""Servers leave notes of themselves, and commands beside them find the data without being told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatch.cli import running
from dispatch.cli.failure import Refused
from dispatch.config import Settings


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    for name in ("DISPATCH_DATA", "DATABASE_URL", "DISPATCH_PAYMENTS__BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("storage.database.embedded.is_running", lambda home: not str(home).endswith("dead"))
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def settings_of(folder: Path) -> Settings:
    return Settings(_env_file=None, env="test", data=folder)  # type: ignore[call-arg]


def test_a_server_is_found_while_it_runs(tmp_path: Path) -> None:
    os.environ["DISPATCH_PAYMENTS__BASE_URL"] = "http://127.0.0.1:9"
    with running.announced(settings_of(tmp_path / "data"), "http://127.0.0.1:8080"):
        (one,) = running.servers()
        assert (one.data, one.url) == (str(tmp_path / "data"), "http://127.0.0.1:8080")
        assert next((tmp_path / f"dispatch-{os.geteuid()}").iterdir()).stat().st_mode & 0o077 == 0
        del os.environ["DISPATCH_PAYMENTS__BASE_URL"]
        running.join()
        assert os.environ["DISPATCH_DATA"] == str(tmp_path / "data")
        assert os.environ["DISPATCH_PAYMENTS__BASE_URL"] == "http://127.0.0.1:9"
    assert running.servers() == []


def test_data_that_is_named_goes_first(tmp_path: Path) -> None:
    os.environ["DISPATCH_DATA"] = "/elsewhere"
    with running.announced(settings_of(tmp_path / "data"), "http://127.0.0.1:8080"):
        running.join()
    assert os.environ["DISPATCH_DATA"] == "/elsewhere"


def test_data_that_the_file_names_goes_first(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DISPATCH_DATA=/elsewhere\n")
    with running.announced(settings_of(tmp_path / "data"), "http://127.0.0.1:8080"):
        running.join()
    assert "DISPATCH_DATA" not in os.environ


def test_notes_of_the_dead_are_taken_away(tmp_path: Path) -> None:
    with running.announced(settings_of(tmp_path / "dead"), "http://127.0.0.1:8080"):
        assert running.servers() == []
        assert list((tmp_path / f"dispatch-{os.geteuid()}").iterdir()) == []


def test_of_several_none_is_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running.announced(settings_of(tmp_path / "one"), "http://127.0.0.1:8080"):
        monkeypatch.setattr(os, "getpid", lambda: os.getppid())
        two = settings_of(tmp_path / "two")
        with running.announced(two, "http://127.0.0.1:8081"), pytest.raises(Refused) as caught:
            running.join()
    assert "8080" in str(caught.value) and "8081" in str(caught.value)
