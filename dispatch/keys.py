"""Signing and sealing keys: from the settings, or generated once into the data folder for the owner only."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

import orjson

from dispatch.config import Settings
from dispatch.errors import Unavailable
from dispatch.vault import Vault

KEY_BYTES = 32
FILE = "keys.json"


class KeysUnreadable(Unavailable):
    """The file of generated keys cannot be read."""

    code = "keys_unreadable"


def token_keys(settings: Settings) -> dict[str, bytes]:
    """kid -> key; the first one signs, all of them verify."""
    if settings.token_keys:
        return {kid: key.get_secret_value().encode() for kid, key in settings.token_keys.items()}
    return {"local": base64.b64decode(_generated(settings.data)["token"])}


def vault(settings: Settings) -> Vault:
    """The vault of stored secrets."""
    if settings.vault_keys:
        return Vault({kid: base64.b64decode(key.get_secret_value()) for kid, key in settings.vault_keys.items()})
    return Vault({"local": base64.b64decode(_generated(settings.data)["vault"])})


def _generated(folder: Path) -> dict[str, str]:
    path = folder / FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fresh = {name: base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() for name in ("token", "vault")}
        unfinished = path.with_name(f"{FILE}.{os.getpid()}")
        # Made with the right mode from the first byte on, and linked into place: the first of two processes wins.
        with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(orjson.dumps(fresh))
        try:
            os.link(unfinished, path)
        except FileExistsError:
            pass
        finally:
            unfinished.unlink()
    try:
        return dict(orjson.loads(path.read_bytes()))
    except (OSError, ValueError) as e:
        raise KeysUnreadable(f"The keys in {path} cannot be read: {e}") from e
