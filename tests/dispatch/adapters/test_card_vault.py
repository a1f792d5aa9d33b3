"""Card numbers become tokens that say nothing of them."""

from __future__ import annotations

import pytest

from dispatch.adapters.card_vault import Card, CardsNotConfigured, tokenise

CARD = Card("4111111111111111", "123", 12, 2030, "Asha Sen")


async def test_a_token_says_nothing_of_its_card() -> None:
    one, other = await tokenise(CARD, is_production=False), await tokenise(CARD, is_production=False)
    assert one != other and one.startswith("tok_local_")
    assert "4111" not in one + repr(CARD) and "123" not in repr(CARD)


async def test_without_a_real_vault_production_takes_no_cards() -> None:
    with pytest.raises(CardsNotConfigured):
        await tokenise(CARD, is_production=True)
