"""Cards of a party: checked, handed to the vault, and kept as a token with what may be shown of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from uuid import UUID

from dispatch.adapters import card_vault
from dispatch.adapters.card_vault import Card
from dispatch.errors import Invalid, Missing
from dispatch.services import Services, Tx
from storage import bank_accounts as party_rows
from storage import payment_methods as rows
from storage.database.pool import Conn
from storage.payment_methods import PaymentMethod

#: Numbers of each brand (ISO/IEC 7812 issuers).
BRANDS: Mapping[str, re.Pattern[str]] = {
    "visa": re.compile(r"4\d{12}(\d{3}){0,2}"),
    "mastercard": re.compile(r"(5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}"),
    "amex": re.compile(r"3[47]\d{13}"),
    "verve": re.compile(r"(506[01]\d|6500\d)\d{11,14}"),
    "discover": re.compile(r"6(011|5\d{2})\d{12}"),
}
OTHER = "card"


def brand_of(number: str) -> str:
    return next((brand for brand, form in BRANDS.items() if form.fullmatch(number)), OTHER)


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    doubled = (int(d) * (2 if n % 2 else 1) for n, d in enumerate(reversed(digits)))
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0


def check(card: Card, today: tuple[int, int]) -> None:
    """Raises Invalid, naming every bad field and no value. `today` is (year, month)."""
    bad: dict[str, str] = {}
    number = card.number
    if not (number.isascii() and number.isdecimal() and 12 <= len(number) <= 19 and is_luhn(number)):
        bad["cardNumber"] = "is not the number of a card"
    if not (card.cvv.isascii() and card.cvv.isdecimal() and len(card.cvv) in (3, 4)):
        bad["cvv"] = "must be the three or four digits of the card"
    if (card.exp_year, card.exp_month) < today:
        bad["expiryYear"] = "This card has expired"
    if bad:
        raise Invalid(bad)


async def add(services: Services, party_id: UUID, card: Card, *, is_default: bool) -> PaymentMethod:
    """Keeps a card as a token; the first one of a party is its default. Raises Invalid, CardsNotConfigured.

    The vault is asked outside of any transaction, and nothing but its token is written.
    """
    now = services.clock.now()
    check(card, (now.year, now.month))
    token = await card_vault.tokenise(card, is_production=services.settings.is_production)
    async with services.transaction() as tx:
        await party_rows.lock_party(tx.conn, party_id=party_id)
        known = await rows.of_party(tx.conn, party_id=party_id)
        if is_default:
            await rows.clear_default(tx.conn, party_id=party_id)
        made = await rows.insert(
            tx.conn, party_id=party_id, brand=brand_of(card.number), last4=card.number[-4:], exp_month=card.exp_month,
            exp_year=card.exp_year, holder=card.holder, token=token, is_default=is_default or not known,
        )  # fmt: skip
    assert made is not None, "an insert answers with its row"
    return made


async def set_default(tx: Tx, party_id: UUID, method_id: UUID) -> None:
    """Raises Missing."""
    await party_rows.lock_party(tx.conn, party_id=party_id)
    await rows.clear_default(tx.conn, party_id=party_id)
    if not await rows.set_default(tx.conn, id=method_id, party_id=party_id):
        raise Missing("payment method")


async def choose(tx: Tx, party_id: UUID, *, method_id: UUID | None, last4: str | None, expiry: str | None) -> None:
    """Makes the default one whichever is named, by its id or by what is shown of it. Raises Invalid."""
    for one in await rows.of_party(tx.conn, party_id=party_id):
        by_look = method_id is None and one.last4 == last4 and expiry in (None, expiry_of(one))
        if one.id == method_id or by_look:
            await set_default(tx, party_id, one.id)
            return
    raise Invalid({"paymentMethods": "names a card that is not kept here"})


async def remove(tx: Tx, party_id: UUID, method_id: UUID) -> None:
    """The newest of the others becomes the default one. Raises Missing."""
    await party_rows.lock_party(tx.conn, party_id=party_id)
    if not await rows.remove(tx.conn, id=method_id, party_id=party_id):
        raise Missing("payment method")
    await rows.default_newest(tx.conn, party_id=party_id)


async def of_party(conn: Conn, party_id: UUID) -> Sequence[PaymentMethod]:
    """The default one first."""
    return await rows.of_party(conn, party_id=party_id)


def expiry_of(method: PaymentMethod) -> str:
    """MM/YY"""
    return f"{method.exp_month:02d}/{method.exp_year % 100:02d}"
