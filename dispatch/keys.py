"""The keys that sign tokens: from the settings, or generated once into the data folder for the owner only."""

from __future__ import annotations

import base64

from dispatch.config import Settings
from dispatch.vault import generated_keys

FILE = "token-keys.json"


def token_keys(settings: Settings) -> dict[str, bytes]:
    """kid -> key; the first one signs, all of them verify. Raises ValueError for a file that cannot be read."""
    if settings.token_keys:
        return {kid: key.get_secret_value().encode() for kid, key in settings.token_keys.items()}
    return {kid: base64.b64decode(key) for kid, key in generated_keys(settings.data / FILE).items()}
