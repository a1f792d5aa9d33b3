"""Where card numbers become tokens. The local default keeps nothing of them and gives tokens that pay for nothing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from dispatch.errors import Unavailable


class CardsNotConfigured(Unavailable):
    """Cards cannot be kept on this server: no vault for them is set up."""

    code = "cards_not_configured"


@dataclass(frozen=True, slots=True)
class Card:
    """A card while it is being handed over; what is secret about it never shows, and never leaves this object."""

    number: str = field(repr=False)
    cvv: str = field(repr=False)
    exp_month: int
    exp_year: int
    holder: str


async def tokenise(card: Card, *, is_production: bool) -> str:
    """A token that stands for the card. Raises CardsNotConfigured."""
    if is_production:
        raise CardsNotConfigured
    return f"tok_local_{secrets.token_urlsafe(18)}"
