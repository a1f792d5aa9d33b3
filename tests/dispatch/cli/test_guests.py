"""Whoever started a database ends it after its guests; whoever comes later waits for that."""

from __future__ import annotations

import threading
from pathlib import Path

from dispatch.cli import guests
from storage.database.embedded import EmbeddedPostgres


def test_where_nobody_holds_the_folder_nobody_is_beside(tmp_path: Path) -> None:
    with guests.beside(tmp_path, "postgresql://nobody@/none?host=/none") as is_there:
        assert not is_there


def test_the_host_goes_last(tmp_path: Path, fresh_dsn: str) -> None:
    host, order = EmbeddedPostgres(tmp_path), list[str]()

    def end() -> None:
        with guests.alone(tmp_path):
            order.append("host")
        host.stop()

    host.take_folder()
    host.note_role()
    ending = threading.Thread(target=end)
    with guests.beside(tmp_path, fresh_dsn) as is_there:
        assert is_there
        ending.start()
        ending.join(0.3)
        order.append("guest")
    ending.join()
    assert order == ["guest", "host"]


def test_whoever_comes_while_the_host_ends_waits_for_its_end(tmp_path: Path, fresh_dsn: str) -> None:
    host, is_ending = EmbeddedPostgres(tmp_path), threading.Event()

    def end() -> None:
        with guests.alone(tmp_path):
            is_ending.set()
            host.stop()

    host.take_folder()
    host.note_role()
    ending = threading.Thread(target=end)
    ending.start()
    assert is_ending.wait(60)
    with guests.beside(tmp_path, fresh_dsn) as is_there:
        assert not is_there
    ending.join()
