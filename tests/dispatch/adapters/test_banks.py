"""Which banks there are, and whose account a number is, as far as one can try that out."""

from __future__ import annotations

import pytest

from dispatch.adapters.banks import BANKS, NamesUnknown, account_name, banks_of


def test_no_two_banks_of_a_country_share_a_code() -> None:
    for country, banks in BANKS.items():
        assert len({bank.code for bank in banks}) == len({bank.name for bank in banks}) == len(banks), country
    assert banks_of("XX") == ()


async def test_a_name_is_made_up_for_trying_out_and_never_where_it_is_deployed() -> None:
    assert await account_name("0123456789", "044", is_deployed=False) == "Account 6789"
    assert await account_name("0123456789", "999", is_deployed=False) is None
    with pytest.raises(NamesUnknown):
        await account_name("0123456789", "044", is_deployed=True)
