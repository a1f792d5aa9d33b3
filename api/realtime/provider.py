"""The provider's socket: what its wallet holds, its statement, its payouts, resumable like the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api.audiences import provider as audience
from api.auth.principals import provider_of
from api.realtime import signin
from api.realtime.commands import Call, CommandNamespace, Commands
from api.realtime.events import PROVIDER, Resume
from api.realtime.fanout import Fanout, Listener
from api.realtime.guard import Grant
from api.wire.fact_form import camel_fact
from dispatch.billing import provider_wallet
from dispatch.engine import facts
from dispatch.services import Services
from storage.database.pool import Conn
from storage.facts import PartyEvent

commands: Commands[Services] = Commands(PROVIDER)

#: What a member of the team must be allowed to read to hear of a fact, by the beginning of its name.
NEEDS = {
    "wallet": "wallet:read", "transaction": "transactions:read", "payout": "payouts:read", "earnings": "wallet:read",
    "subscription": "subscriptions:read",
}  # fmt: skip


@commands.command("resume", Resume)
async def resume(services: Services, call: Call, body: Resume) -> dict[str, Any]:
    listener: Listener = call.grant.state
    found = await listener.fanout.resume(listener, body.epoch, body.streams, is_party=True)
    return {"epoch": found.epoch, "streams": found.heads, "reset": found.reset}


@dataclass(frozen=True, slots=True)
class Form:
    """How one member hears of the provider: in its units of this moment, and no more than they may read.

    Of a fact that is not for them they still get name and number, so that `seq` has no gap.
    """

    services: Services
    session_id: UUID

    async def facts(self, conn: Conn, events: Sequence[PartyEvent]) -> list[dict[str, Any]]:
        member = await provider_of(self.services, self.session_id, conn)
        dialect = audience.dialect_for(member)
        return [
            camel_fact(facts.view(e.type, "provider", e.data), dialect)
            if member.grants.allow(NEEDS.get(e.type.split(".")[0], "dashboard:read"))
            else {}
            for e in events
        ]

    async def snapshot(self, conn: Conn) -> dict[str, Any]:
        member = await provider_of(self.services, self.session_id, conn)
        if not member.grants.allow(NEEDS["wallet"]):
            return {"wallet": []}
        dialect = audience.dialect_for(member)
        held = await provider_wallet.balances(conn, member.provider_id)
        return {
            "wallet": [
                camel_fact(
                    {
                        "currency": b.currency, "available_minor": b.available_minor, "pending_minor": b.pending_minor,
                        "cash_minor": b.cash_minor,
                    },
                    dialect,
                )
                for b in held
            ]
        }  # fmt: skip


class ProviderNamespace(CommandNamespace[Services]):
    """One stream per provider: wallet, statement, payouts, subscriptions."""

    def __init__(self, services: Services, fanout: Fanout, once: Any) -> None:
        super().__init__(commands, services, once)
        self.fanout = fanout

    async def sign_in(self, environ: dict[str, Any], auth: dict[str, Any]) -> Grant:
        return await signin.grant(self.context, "provider", auth)

    async def joined(self, grant: Grant) -> None:
        assert grant.session_id is not None, "people have signed in"
        session_id = UUID(grant.session_id)
        async with self.context.read() as conn:
            member = await provider_of(self.context, session_id, conn)
        form = Form(self.context, session_id)
        grant.state = self.fanout.listener(grant.sid, member.provider_id, PROVIDER, form)
        await self.fanout.join_party(grant.state)

    async def left(self, grant: Grant, reason: str) -> None:
        if grant.state is not None:
            self.fanout.leave(grant.state)
