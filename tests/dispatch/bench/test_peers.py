"""Which peers are found: a runtime on the path or among its modules, with what it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.bench.peers import MODULES, find_peers


def command(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)


def test_peers_are_found_with_what_they_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    command(tmp_path / "bin" / "node")
    monkeypatch.delenv(MODULES, raising=False)
    assert find_peers() == []
    monkeypatch.setenv(MODULES, str(tmp_path))
    modules = tmp_path / "node_modules"
    assert find_peers() == []
    (modules / "socket.io").mkdir(parents=True)
    assert [one.name for one in find_peers()] == ["Node socket.io"]
    # Bun comes as a module, and wants an engine of its own.
    command(modules / ".bin" / "bun")
    assert [one.runtime for one in find_peers()] == ["Node"]
    (modules / "@socket.io" / "bun-engine").mkdir(parents=True)
    (modules / "redis").mkdir()
    node, bun = find_peers()
    assert (node.name, bun.name) == ("Node socket.io + Redis GEO", "Bun socket.io + Redis GEO")
    assert bun.binary == str(modules / ".bin" / "bun")
