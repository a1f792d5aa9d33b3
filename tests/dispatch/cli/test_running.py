"""Servers leave notes of themselves, and commands beside them find the data without being told."""

from __future__ import annotations

import base64
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import typer

from dispatch.cli import running, setup
from dispatch.cli.app import app
from dispatch.cli.failure import Refused
from dispatch.config import Settings
from storage.database.embedded import EmbeddedPostgres
from tests.processes import ROOT

URL = "http://127.0.0.1:8123"
VAULT_KEY = base64.b64encode(b"k" * 32).decode()
#: Commands that begin something of their own, whatever runs here.
OWN = {
    "serve": "is a server", "demo": "is a server", "node": "is one's worker", "gateway": "is a gateway with a folder",
    "restore": "puts a backup into a new folder", "money-faults": "has a database that goes away",
    "bench": "measures servers that it starts", "config": "shows what a server here would get",
    "routes": "asks no data", "openapi": "asks no data", "asyncapi": "asks no data",
}  # fmt: skip
#: What a command needs to be told before it looks for the server.
SAID = {
    "token": ["customer", "+911000100001"], "zones import": ["zones.geojson"], "admin create": ["a@b.example"],
    "erp create": ["a@b.example"], "simulate": ["--url", URL], "backup": ["--folder", "kept"],
}  # fmt: skip


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    before = dict(os.environ)
    for name in before:
        if name.startswith(("DISPATCH_", "DATABASE_URL", "REDIS_URL")):
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)


def settings_of(folder: Path, **more: Any) -> Settings:
    return Settings(_env_file=None, env="development", data=folder, **more)  # type: ignore[call-arg]


def commands() -> dict[str, Any]:
    """Every command by its words."""
    found: dict[str, Any] = {}

    def walk(command: Any, words: tuple[str, ...]) -> None:
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, (*words, name))
        if not hasattr(command, "commands"):
            found[" ".join(words)] = command

    walk(typer.main.get_command(app), ())
    return found


def test_every_command_is_in_the_readme() -> None:
    said = re.findall(r"`\./run ([^`]*)`", (ROOT / "README.md").read_text())
    for words, command in commands().items():
        assert command.hidden or any(re.match(rf"{words}( |$)", one) for one in said), words


class FoundOut(Exception):
    """What a command would have worked with; there it ends."""


def world_of(words: str, monkeypatch: pytest.MonkeyPatch, *options: str) -> Settings:
    """The settings that this command makes of its options and of what runs here."""
    made: list[Settings] = []
    real = setup.settings_of

    def watched(**given: Any) -> Settings:
        made.append(real(**given))
        raise FoundOut

    with monkeypatch.context() as patch, pytest.raises(FoundOut):
        patch.setattr(setup, "settings_of", watched)
        said = [*words.split(), *SAID.get(words, []), *options]
        typer.main.get_command(app).main(said, standalone_mode=False)
    return made[0]


@pytest.mark.parametrize("words", sorted(commands().keys() - OWN))
def test_every_command_finds_folder_gateway_and_address(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without being told, beside others when it is told the folder, and also where a server has a given database."""
    gateway = {
        "DISPATCH_PAYMENTS__BASE_URL": "http://127.0.0.1:9", "DISPATCH_PAYMENTS__KEY_ID": "rzp_test_x",
        "DISPATCH_PAYMENTS__KEY_SECRET": "s3cret", "DISPATCH_VAULT_KEYS": json.dumps({"k1": VAULT_KEY}),
    }  # fmt: skip
    home, before = tmp_path / "data", dict(os.environ)
    os.environ.update(gateway)
    with running.announced(settings_of(home), URL):
        for options in ([], ["--data", str(home)]):
            os.environ.clear()
            os.environ.update(before)
            found = world_of(words, monkeypatch, *options)
            assert (found.data, found.http.public_url, found.database_url) == (home, URL, "")
            assert (found.payments.base_url, found.payments.is_configured) == ("http://127.0.0.1:9", True)
            assert found.vault_keys["k1"].get_secret_value() == VAULT_KEY
            assert found.http.port == 8080 and found.log_level == "info"
        os.environ.clear()
        os.environ.update(before)
        elsewhere = world_of(words, monkeypatch, "--data", str(tmp_path / "elsewhere"))
        assert (elsewhere.data, elsewhere.payments.is_configured) == (tmp_path / "elsewhere", False)
    os.environ.clear()
    os.environ.update(before)
    with running.announced(settings_of(home, database_url="postgresql://u:pw@127.0.0.1/d"), URL):
        assert world_of(words, monkeypatch).database_url == "postgresql://u:pw@127.0.0.1/d"


def test_every_command_is_one_of_both_kinds() -> None:
    """What a command needs of a server is its data: one that can be told a folder is told it by the server."""
    known = commands()
    assert OWN.keys() <= known.keys() and SAID.keys() <= known.keys()
    for words in known.keys() - OWN:
        assert any(option.name == "data" for option in known[words].params), words


#: Commands that may make a database where there is none; `doctor` tries one that goes away.
MAKERS = {"migrate", "simulate", "doctor"}


@pytest.mark.parametrize("words", sorted(commands().keys() - OWN.keys() - MAKERS))
def test_looking_makes_nothing(words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zones.geojson").write_text("{}")
    monkeypatch.setattr(EmbeddedPostgres, "start", lambda *_: pytest.fail("it would have made one"))
    said = [*words.split(), *SAID.get(words, []), "--data", str(tmp_path / "absent")]
    with pytest.raises(Refused, match="There is no database in"):
        typer.main.get_command(app).main(said, standalone_mode=False)
    assert not (tmp_path / "absent").exists()


def test_saying_what_would_be_applied_makes_nothing(tmp_path: Path) -> None:
    said = ["migrate", "--dry-run", "--data", str(tmp_path / "absent")]
    with pytest.raises(Refused, match="There is no database in"):
        typer.main.get_command(app).main(said, standalone_mode=False)
    assert not (tmp_path / "absent").exists()


def test_a_server_is_found_while_it_runs(tmp_path: Path) -> None:
    with running.announced(settings_of(tmp_path / "data"), URL):
        (one,) = running.servers()
        assert (one.data, one.url) == (str(tmp_path / "data"), URL)
        folder = tmp_path / f"dispatch-{os.geteuid()}"
        assert {p.stat().st_mode & 0o077 for p in (folder, *folder.iterdir())} == {0}
    assert running.servers() == []


def test_what_the_server_s_file_sets_is_found_elsewhere(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DISPATCH_PAYMENTS__BASE_URL=http://127.0.0.1:9\nDISPATCH_HTTP__PORT=8123\n")
    with running.announced(settings_of(tmp_path / "data"), URL):
        (tmp_path / ".env").unlink()
        found = setup.settings_of(joins=True)
    assert (found.payments.base_url, found.http.port) == ("http://127.0.0.1:9", 8080)


def test_what_is_named_goes_first(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DISPATCH_BRAND=Of the file\n")
    os.environ["DISPATCH_BRAND"] = "Of the server"
    os.environ["DISPATCH_CURRENCY"] = "EUR"
    with running.announced(settings_of(tmp_path / "data"), URL):
        del os.environ["DISPATCH_BRAND"]
        os.environ["DISPATCH_CURRENCY"] = "USD"
        found = setup.settings_of(joins=True)
    assert (found.brand, found.currency) == ("Of the file", "USD")


def test_what_is_named_without_a_value_is_not_named(tmp_path: Path) -> None:
    """As the lines of .env.example that nobody has filled in."""
    empty = "".join(f"{name}=\n" for name in ("DISPATCH_HTTP__PUBLIC_URL", "DATABASE_URL", "DISPATCH_DATA"))
    (tmp_path / ".env").write_text(empty + "# DISPATCH_BRAND=not said\nDISPATCH_PAYMENTS__KEY_ID=\n")
    os.environ["DISPATCH_HTTP__PUBLIC_URL"] = "https://here.example"
    served = settings_of(tmp_path / "data")
    with running.announced(served, URL):
        del os.environ["DISPATCH_HTTP__PUBLIC_URL"]
        found = setup.settings_of(joins=True)
    assert found.data == tmp_path / "data" and found.database_url == ""
    assert found.http.public_url == "https://here.example" and found.payments.key_id == ""


@pytest.mark.parametrize("is_in_file", [False, True])
def test_data_that_is_named_goes_first(tmp_path: Path, is_in_file: bool) -> None:
    with running.announced(settings_of(tmp_path / "data"), URL):
        if is_in_file:
            (tmp_path / ".env").write_text("DISPATCH_DATA=/elsewhere\n")
        else:
            os.environ["DISPATCH_DATA"] = "/elsewhere"
        found = setup.settings_of(joins=True)
    assert (str(found.data), found.http.public_url) == ("/elsewhere", "")


def test_notes_of_the_dead_are_taken_away(tmp_path: Path) -> None:
    """However they ended: nobody holds their note any more."""
    folder = tmp_path / f"dispatch-{os.geteuid()}"
    with running.announced(settings_of(tmp_path / "data"), URL):
        (note,) = folder.iterdir()
        (folder / "1.json").write_bytes(note.read_bytes())
        assert [one.url for one in running.servers()] == [URL]
        assert list(folder.iterdir()) == [note]


def test_where_it_is_deployed_nothing_is_written(tmp_path: Path) -> None:
    with running.announced(settings_of(tmp_path / "data").model_copy(update={"env": "production"}), URL):
        assert list(tmp_path.iterdir()) == []


def test_of_several_none_is_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    second = settings_of(tmp_path / "two", database_url="postgresql://u:pw@127.0.0.1/d")
    with running.announced(settings_of(tmp_path / "one"), URL), ExitStack() as others:
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: 1)
            others.enter_context(running.announced(second, "http://127.0.0.1:8081"))
        with pytest.raises(Refused) as caught:
            setup.settings_of(joins=True)
        assert setup.settings_of(joins=True, url="http://127.0.0.1:8081/").database_url == second.database_url
        assert len(running.servers()) == 2
    assert "8123" in str(caught.value) and "8081" in str(caught.value) and "pw" not in str(caught.value)
    assert running.servers() == []


def test_a_server_takes_only_its_own_note_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever notes are left by the time that it ends."""
    with running.announced(settings_of(tmp_path / "data"), URL):
        left = [*(tmp_path / f"dispatch-{os.geteuid()}").iterdir()]
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "later"))
        (tmp_path / "later").mkdir()
        with ExitStack() as first:
            first.enter_context(running.announced(settings_of(tmp_path / "other"), URL))
            monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
            assert [*(tmp_path / f"dispatch-{os.geteuid()}").iterdir()] == left
        assert [one.data for one in running.servers()] == [str(tmp_path / "data")]
    assert running.servers() == []


def test_where_no_note_can_be_left_nothing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> str:
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.delenv("XDG_RUNTIME_DIR")
    monkeypatch.setattr(tempfile, "gettempdir", full)
    settings = settings_of(tmp_path)
    with running.announced(settings, URL):
        assert running.servers() == []
        assert not running.join(settings)
