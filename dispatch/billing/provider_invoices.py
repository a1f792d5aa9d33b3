"""The invoice of a payout, as a page and as a table."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Literal

from dispatch.parties import bank_accounts
from dispatch.reports import csv_writer, sheet
from dispatch.reports.formats import Formats, major
from dispatch.reports.rows import Cell, Table
from storage.bank_accounts import BankAccount
from storage.payouts import Payout
from storage.providers import Provider


async def of_payout(
    provider: Provider, payout: Payout, account: BankAccount | None, form: Literal["pdf", "csv"]
) -> bytes:
    """The whole file; amounts in major units, dates as the provider writes them."""
    lines = _lines(provider, payout, account)
    if form == "pdf":
        return await asyncio.to_thread(sheet.drawn, f"Payout invoice {payout.number}", provider.name, lines)
    values: list[Cell] = [value for _, value in lines]

    async def batches() -> AsyncIterator[Sequence[Sequence[Cell]]]:
        yield [values]

    table = Table(payout.number, [name for name, _ in lines], batches())
    return b"".join([piece async for piece in csv_writer.write(table)])


def _lines(provider: Provider, payout: Payout, account: BankAccount | None) -> list[tuple[str, Cell]]:
    written = Formats(provider.date_format, provider.time_format, provider.timezone)
    return [
        ("Invoice", payout.number),
        ("Provider", provider.name),
        ("Date", written.moment(payout.created_at)),
        ("Status", payout.status),
        ("Currency", payout.currency),
        ("Total", major(payout.total_minor)),
        ("Deduction", major(payout.deduction_minor)),
        ("Cash collected", major(payout.cash_offset_minor)),
        ("Paid out", major(payout.net_minor)),
        ("Bank", account.bank_name if account else None),
        ("Account", bank_accounts.short_mask(account) if account else None),
        ("Account name", account.account_name if account else None),
        ("Completed", written.moment(payout.processed_at) if payout.processed_at else None),
    ]
