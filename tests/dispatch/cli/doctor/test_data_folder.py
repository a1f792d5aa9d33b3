"""What the doctor says of the data folder."""

from __future__ import annotations

from pathlib import Path

from dispatch.cli.doctor.data_folder import data_folder
from dispatch.config import Settings
from dispatch.vault import generated_keys


def test_doctor_says_when_keys_are_damaged(tmp_path: Path) -> None:
    settings = Settings(env="test", data=tmp_path)
    generated_keys(tmp_path / "token-keys.json")
    assert data_folder(settings).verdict == "ok"
    (tmp_path / "vault_keys.json").touch(mode=0o600)
    found = data_folder(settings)
    assert found.verdict == "wrong" and "vault_keys.json are damaged" in found.seen


def test_doctor_says_when_the_data_folder_cannot_be_looked_at(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 300)
    found = data_folder(Settings(env="test", data=folder))
    assert found.verdict == "wrong" and found.seen == f"{folder} cannot be used (File name too long)"
