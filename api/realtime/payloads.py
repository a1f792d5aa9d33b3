"""What everything that travels over a socket is made of."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Payload(BaseModel):
    """What a client sends: unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Command(Payload):
    """A payload that takes effect once per principal and `command_id`."""

    command_id: UUID


class Told(BaseModel):
    """What the server sends; later versions may add names."""

    model_config = ConfigDict(extra="allow", frozen=True)
