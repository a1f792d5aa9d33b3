"""What the wallet says, in the units that its provider chose."""

from __future__ import annotations

from tests.api.provider.conftest import Office, call
from tests.providers import fund


async def test_an_empty_wallet_is_zero_in_the_providers_currency(office: Office) -> None:
    owner = await office.owner()
    answer = await owner.call("GET", "/wallet/balance")
    assert answer["data"].items() >= {"availableBalance": 0, "pendingBalance": 0, "currency": "INR"}.items()
    assert answer["data"]["lastUpdated"].endswith("Z") and answer["timestamp"]


async def test_each_currency_has_an_account_of_its_own(office: Office) -> None:
    owner = await office.owner()
    await fund(office.world.services, owner.owned, 150_000)
    await fund(office.world.services, owner.owned, 700, "USD")
    shown = (await owner.call("GET", "/wallet/balance"))["data"]
    assert shown["availableBalance"] == 150_000
    assert {b["currency"]: b["availableBalance"] for b in shown["balances"]} == {"INR": 150_000, "USD": 700}


async def test_a_provider_that_wants_whole_units_gets_them(office: Office) -> None:
    owner = await office.owner(units="major")
    await fund(office.world.services, owner.owned, 150_050)
    assert (await owner.call("GET", "/wallet/balance"))["data"]["availableBalance"] == 1500.5


async def test_who_may_not_look_into_the_wallet(office: Office) -> None:
    owner = await office.owner()
    staff = await office.member(owner, "Staff")
    answer = await staff.call("GET", "/wallet/balance", expect=403)
    assert answer["error"]["code"] == "FORBIDDEN" and answer["message"]
    answer = await call(office.client, None, "GET", "/api/providers/wallet/balance", expect=401)
    assert answer["error"]["code"] == "UNAUTHORIZED"
