"""Secrets at rest: sealed to the cell they belong to; fingerprints that can be compared but not read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dispatch.errors import DispatchError

if TYPE_CHECKING:
    from dispatch.config import Settings

KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = 1
_FILE = "vault_keys.json"
_KEY_ID = re.compile(r"[a-z0-9_-]{1,32}")


class SealBroken(DispatchError):
    """A stored secret cannot be opened: it was copied from another place, or its key is missing."""

    code = "seal_broken"


class KeysUnfit(ValueError):
    """The keys of the data folder or of the settings cannot be used; the message says why and what to do."""


def cell(table: str, row: object, field: str) -> str:
    """The associated data of a sealed value: it opens only in this cell."""
    return f"{table}:{row}:{field}"


class Vault:
    """AES-256-GCM under named keys; the first one seals, all of them open, so that keys can be rotated.

    Sealed bytes are: format (1), length of the key id (1), key id, nonce (12), ciphertext and tag.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """`keys` maps key id to 32 bytes, newest first. Raises ValueError for anything weaker."""
        if not keys:
            raise ValueError("the vault needs at least one key")
        for key_id, key in keys.items():
            if not _KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES:
                raise ValueError(f"key {key_id!r} must be {KEY_BYTES} bytes under a short lower-case id")
        self._keys = {key_id: _derived(key, "seal") for key_id, key in keys.items()}
        self._current = next(iter(keys))
        # Fingerprints are looked up by equality, so they stay with the oldest key through a rotation.
        self._stable = list(keys.values())[-1]

    def seal(self, plain: str, where: str) -> bytes:
        """Encrypts `plain` for the cell `where` (see `cell`)."""
        key_id = self._current.encode()
        nonce = os.urandom(_NONCE_BYTES)
        box = AESGCM(self._keys[self._current]).encrypt(nonce, plain.encode(), where.encode())
        return bytes((_FORMAT, len(key_id))) + key_id + nonce + box

    def open(self, sealed: bytes, where: str) -> str:
        """Decrypts what `seal` made for the same cell. Raises SealBroken."""
        try:
            if sealed[0] != _FORMAT:
                raise SealBroken
            start = 2 + sealed[1]
            key = self._keys[sealed[2:start].decode("ascii")]
            nonce, box = sealed[start : start + _NONCE_BYTES], sealed[start + _NONCE_BYTES :]
            return AESGCM(key).decrypt(nonce, box, where.encode()).decode()
        except (InvalidTag, KeyError, IndexError, ValueError) as error:
            raise SealBroken from error

    def mac(self, purpose: str, *parts: bytes) -> bytes:
        """HMAC-SHA256 under a key for this purpose only; parts are length-prefixed and never run together."""
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(_derived(self._stable, purpose), message, "sha256")

    def fingerprint(self, kind: str, value: str) -> str:
        """A short stable name for a value that must not be stored readable (a phone in a counter's key)."""
        return self.mac(f"fingerprint:{kind}", value.encode()).hex()[:32]


def vault_of(settings: Settings) -> Vault:
    """The installation's vault: its keys come from the settings, else from a file in the data folder.

    Raises KeysUnfit.
    """
    given = tuple((key_id, key.get_secret_value()) for key_id, key in settings.vault_keys.items())
    return _vault(settings.data, given)


@lru_cache(maxsize=16)
def _vault(folder: Path, given: tuple[tuple[str, str], ...]) -> Vault:
    keys = {key_id: base64.b64decode(key) for key_id, key in given} or generated_keys(folder / _FILE)
    try:
        return Vault(keys)
    except ValueError as error:
        raise KeysUnfit(f"The vault's keys must be base64 of {KEY_BYTES} bytes: {error}.") from error


def generated_keys(path: Path) -> dict[str, bytes]:
    """Key id to key, from the file; made once, for the owner only; processes that race agree on one.

    Raises KeysUnfit.
    """
    try:
        if not path.exists():
            _generate(path)
        said = orjson.loads(path.read_bytes())
        found = {key_id: base64.b64decode(key, validate=True) for key_id, key in said.items()}
        if not found or min(map(len, found.values())) < KEY_BYTES:
            raise ValueError("a key is missing or short")
    except OSError as error:
        raise KeysUnfit(
            f"The keys in {path} cannot be had ({error.strerror}): run this as whom they belong to, or choose another "
            "--data folder."
        ) from error
    except (ValueError, TypeError, AttributeError) as error:
        raise KeysUnfit(
            f"The keys in {path} are damaged ({error}): put your copy of the file back; what was sealed with them "
            "opens with no others."
        ) from error
    return found


def _generate(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(orjson.dumps({"k1": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}))
        file.flush()
        os.fsync(file.fileno())
    try:
        # A link never replaces: whoever was first stays.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


@lru_cache(maxsize=256)
def _derived(key: bytes, purpose: str) -> bytes:
    """One key per purpose: what is learnt from one use says nothing of another (HKDF-Expand, RFC 5869)."""
    return hmac.digest(key, f"dispatch:{purpose}".encode() + b"\x01", hashlib.sha256)
