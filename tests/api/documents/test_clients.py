"""Clients are generated from the document, in two languages, and a small story must type-check with each."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

CLIENTS = Path(__file__).resolve().parents[2] / "clients"
TYPESCRIPT, PYTHON = CLIENTS / "ts", CLIENTS / "python"
#: The generators' own environments; .ci/run makes them.
NODE_MODULES, VENV = TYPESCRIPT / "node_modules", PYTHON / ".venv"
_TIMEOUT_S = 1800

needs_node = pytest.mark.skipif(
    not (NODE_MODULES.exists() and shutil.which("node")), reason="needs node, and `npm ci` in tests/clients/ts"
)
needs_python = pytest.mark.skipif(
    not (VENV / "bin" / "openapi-python-client").exists(),
    reason="needs tests/clients/python/.venv with its requirements.txt installed",
)


@pytest.fixture
def document(tmp_path: Path, whole: Any) -> Path:
    path = tmp_path / "openapi.json"
    path.write_bytes(orjson.dumps(whole))
    return path


def run(folder: Path, *command: str | Path) -> str:
    env = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=_TIMEOUT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs_node
def test_a_typescript_client_carries_a_story(document: Path, tmp_path: Path) -> None:
    for name in ("package.json", "tsconfig.json", "story.ts"):
        shutil.copy(TYPESCRIPT / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    run(tmp_path, "node", "node_modules/openapi-typescript/bin/cli.js", document, "-o", "schema.d.ts")
    run(tmp_path, "node", "node_modules/typescript/bin/tsc", "--strict", "-p", ".")


@needs_python
def test_a_python_client_carries_a_story(document: Path, tmp_path: Path) -> None:
    # Nobody reads what is made here: it need not be formatted.
    (tmp_path / "config.yml").write_text("post_hooks: []\n")
    told = run(
        tmp_path, VENV / "bin" / "python", PYTHON / "generate.py", "generate", "--path", document,
        "--config", "config.yml", "--output-path", tmp_path / "dispatch_client", "--meta", "none",
    )  # fmt: skip
    # It warns of what it leaves out, and leaves it out.
    assert "Warning" not in told and "Unable" not in told, told
    shutil.copy(PYTHON / "story.py", tmp_path)
    # It imports every model that there is; checked are those that the story uses, and theirs.
    (tmp_path / "dispatch_client" / "models" / "__init__.py").write_text("")
    # The generator's own client.py does not pass its language's strict check; what is made of our document does.
    (tmp_path / "mypy.ini").write_text("[mypy]\nstrict = true\n[mypy-dispatch_client.client]\nignore_errors = true\n")
    run(tmp_path, VENV / "bin" / "mypy", "story.py")
