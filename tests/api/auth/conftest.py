"""The organisation portal of a module's own server, for what concerns how its callers are counted."""

from tests.api.organisation.conftest import portal

__all__ = ["portal"]
