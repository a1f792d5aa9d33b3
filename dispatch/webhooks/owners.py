"""Whose an endpoint is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Kind = Literal["integration", "organisation", "provider", "platform"]


@dataclass(frozen=True, slots=True)
class Owner:
    """A party of this kind, or, without an id, the operator's own systems."""

    kind: Kind
    id: UUID | None


PLATFORM = Owner("platform", None)
