"""The data folder and the keys in it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from dispatch.cli.doctor.findings import Finding
from dispatch.vault import KeysUnfit, generated_keys

if TYPE_CHECKING:
    from dispatch.config import Settings

_FREE_BYTES = 500 * 1024 * 1024


def data_folder(settings: Settings) -> Finding:
    """Whether the data folder can be written, has room, and has whole keys that are closed to others."""
    try:
        return _data_folder(settings.data)
    except OSError as e:
        said = f"{e.filename or settings.data} cannot be used ({e.strerror})"
        return Finding("data folder", "wrong", said, "run this as whom it belongs to, or choose another --data folder")


def _data_folder(folder: Path) -> Finding:
    there = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding("data folder", "wrong", f"{there} cannot be written", "choose another --data folder")
    if shutil.disk_usage(there).free < _FREE_BYTES:
        return Finding("data folder", "wrong", f"less than 500 MB are free at {there}", "make room, or choose another")
    for keys in (*folder.glob("*keys.json"), *folder.glob("keys/*.json")):
        if keys.stat().st_mode & 0o077:
            return Finding("data folder", "wrong", f"others can read {keys}", f"chmod 600 {keys}")
        try:
            generated_keys(keys)
        except KeysUnfit as e:
            return Finding("data folder", "wrong", str(e))
    return Finding("data folder", "ok", str(folder))
