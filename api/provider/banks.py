"""Banks to choose from, and whose account a number is."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from api.audiences import TeamMember, provider
from api.wire.models import CamelBody, CamelQuery, CamelView
from dispatch.adapters import banks
from dispatch.errors import Missing
from dispatch.services import Services


class BanksQuery(CamelQuery):
    country: Annotated[str, StringConstraints(strip_whitespace=True, to_upper=True, min_length=2, max_length=2)] = "NG"


class BankOut(CamelView):
    name: str
    code: str


class ResolveIn(CamelBody):
    account_number: Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[0-9A-Za-z]{6,34}$")]
    bank_code: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)]


class ResolvedOut(CamelView):
    account_name: str
    account_number: str
    bank_code: str


@provider.route("GET", "/payouts/banks", permission="payouts:read", tags=["payouts"])
async def known_banks(caller: TeamMember, query: BanksQuery) -> list[BankOut]:
    """The banks of a country, with their codes."""
    return [BankOut(name=bank.name, code=bank.code) for bank in banks.banks_of(query.country)]


@provider.route("POST", "/wallet/resolve-account", permission="payouts:read", accepts_cards=True, tags=["payouts"])
async def resolve(services: Services, caller: TeamMember, body: ResolveIn) -> ResolvedOut:
    """Whose account a number is.

    Example: {"accountNumber": "0123452939", "bankCode": "011"}
    """
    name = await banks.account_name(body.account_number, body.bank_code, is_deployed=services.settings.is_deployed)
    if name is None:
        raise Missing("account")
    return ResolvedOut(account_name=name, account_number=body.account_number, bank_code=body.bank_code)
