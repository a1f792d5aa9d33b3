"""Secrets at rest."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dispatch.config import Settings
from dispatch.vault import KeysUnfit, SealBroken, Vault, cell, generated_keys, vault_of

OLD, NEW = b"o" * 32, b"n" * 32
WHERE = cell("bank_accounts", 7, "number")


def test_it_opens_only_in_its_cell() -> None:
    vault = Vault({"k1": OLD})
    sealed = vault.seal("123456789012", WHERE)
    assert vault.open(sealed, WHERE) == "123456789012"
    assert b"123456789012" not in sealed
    assert vault.seal("123456789012", WHERE) != sealed
    for other in (
        cell("bank_accounts", 8, "number"),
        cell("bank_accounts", 7, "ifsc"),
        cell("t", 7, "number"),
    ):
        with pytest.raises(SealBroken):
            vault.open(sealed, other)


@pytest.mark.parametrize("at", range(0, 40, 3))
def test_a_changed_byte_is_noticed(at: int) -> None:
    vault = Vault({"k1": OLD})
    sealed = bytearray(vault.seal("1234567890", WHERE))
    sealed[at] ^= 1
    with pytest.raises(SealBroken):
        vault.open(bytes(sealed), WHERE)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01\x02k1", b"\x01\xff" + b"k" * 10, b"\x01\x01\xff" + b"x" * 40])
def test_rubbish_is_no_seal(sealed: bytes) -> None:
    with pytest.raises(SealBroken):
        Vault({"k1": OLD}).open(sealed, WHERE)


def test_keys_rotate_and_fingerprints_stay() -> None:
    before, after = Vault({"k1": OLD}), Vault({"k2": NEW, "k1": OLD})
    assert after.open(before.seal("x", WHERE), WHERE) == "x"
    with pytest.raises(SealBroken):
        before.open(after.seal("x", WHERE), WHERE)
    assert before.fingerprint("phone", "+911234567890") == after.fingerprint("phone", "+911234567890")
    assert before.fingerprint("phone", "1") != before.fingerprint("push", "1")
    assert before.mac("p", b"ab", b"c") != before.mac("p", b"a", b"bc")


@pytest.mark.parametrize("keys", [{}, {"k1": b"short"}, {"K 1": OLD}])
def test_weak_keys_are_refused(keys: dict[str, bytes]) -> None:
    with pytest.raises(ValueError, match="key"):
        Vault(keys)


def test_generated_keys_are_the_owners_and_the_same_for_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "keys.json"
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: generated_keys(path), range(8)))
    assert all(keys == found[0] for keys in found)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["keys.json"]


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b"{}", b'{"k1": 7}', b'{"k1": "short"}', b'{"k1": "not base64"}'])
def test_a_damaged_file_of_keys_is_named_and_left_as_it_is(tmp_path: Path, said: bytes) -> None:
    path = tmp_path / "vault_keys.json"
    path.write_bytes(said)
    with pytest.raises(KeysUnfit, match=rf"^The keys in {path} are damaged .*: put your copy of the file back"):
        vault_of(Settings(_env_file=None, data=tmp_path))  # type: ignore[call-arg]
    assert path.read_bytes() == said


def test_a_folder_that_takes_no_keys_is_named() -> None:
    with pytest.raises(KeysUnfit, match=r"/proc/none/vault_keys.json cannot be had \(No such file or directory\)"):
        vault_of(Settings(_env_file=None, data=Path("/proc/none")))  # type: ignore[call-arg]


def test_the_settings_keys_win(tmp_path: Path) -> None:
    key = base64.b64encode(OLD).decode()
    settings = Settings(_env_file=None, data=tmp_path, vault_keys={"k1": key})  # type: ignore[call-arg, dict-item]
    sealed = vault_of(settings).seal("x", WHERE)
    assert Vault({"k1": OLD}).open(sealed, WHERE) == "x"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="base64"):
        vault_of(Settings(_env_file=None, data=tmp_path, vault_keys={"k1": "short"}))  # type: ignore[call-arg, dict-item]
