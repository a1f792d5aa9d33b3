"""The completer: drives every due intent, webhook and open question to its end, on any number of nodes."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from dispatch import bus
from dispatch.billing import gateway_events, intents, payments, payout_sending
from dispatch.loops import Loop, Step
from dispatch.ports.gateway import Gateway, GatewayError
from dispatch.services import Services
from storage import polls
from storage import refunds as refund_rows

log = logging.getLogger(__name__)

#: Without a hint the worker looks this often, in seconds.
POLL_S = 0.5
#: An unanswered question is asked again after this, then later and later.
ASK_AGAIN_S = 60.0
#: Intents and events are each worked on by so many at once, so that one slow call delays nobody.
HANDS = 2


class MoneyWorker:
    """One per process.

    Each item is claimed by its row (SKIP LOCKED) and has a lease; a killed worker loses nothing.
    """

    def __init__(
        self,
        services: Services,
        gateway: Gateway,
        *,
        first_wait_s: float = intents.FIRST_WAIT_S,
    ) -> None:
        """`first_wait_s` is the wait before the first repetition; it triples."""
        self._services = services
        self._gateway = gateway
        self._first_wait_s = first_wait_s
        hands: list[Callable[[], Awaitable[bool]]] = [*[self._event, self._intent] * HANDS, self._question]
        self._loops = [Loop(f"money {n}", _busily(one), every_s=POLL_S) for n, one in enumerate(hands)]
        services.bus.subscribe(gateway_events.MONEY_DUE, self._hinted)

    def start(self) -> None:
        for loop in self._loops:
            loop.start()

    async def stop(self) -> None:
        """Ends at once; what was under way is taken up again when its lease is over."""
        for loop in self._loops:
            await loop.stop()

    def _hinted(self, hint: bus.Hint) -> None:
        for loop in self._loops:
            loop.wake()

    async def run_due(self) -> int:
        """Works until nothing is due. Returns how many tries that took."""
        done = idle = turn = 0
        steps = (self._event, self._intent, self._question)
        while idle < len(steps):
            if await steps[turn % len(steps)]():
                done, idle = done + 1, 0
            else:
                idle, turn = idle + 1, turn + 1
        return done

    async def _event(self) -> bool:
        return await gateway_events.work_due(self._services, self._gateway, first_wait_s=self._first_wait_s)

    async def _intent(self) -> bool:
        return await intents.run_due(self._services, self._gateway, first_wait_s=self._first_wait_s)

    async def _question(self) -> bool:
        """Asks about one thing of which nobody ever reported the outcome."""
        for claim, ask in (
            (polls.claim_payment, self._ask_payment),
            (polls.claim_refund, self._ask_refund),
            (polls.claim_payout, self._ask_payout),
        ):
            async with self._services.transaction() as tx:
                found = await claim(tx.conn, again_s=ASK_AGAIN_S)
            if found is not None:
                await self._ask(ask, found)
                return True
        return False

    async def _ask(self, ask: Callable[[UUID], Awaitable[None]], which: UUID) -> None:
        try:
            await ask(which)
        except (GatewayError, gateway_events.NeedsPerson) as e:
            log.warning("the gateway was asked about %s in vain: %s", which, e)

    async def _ask_payment(self, payment_id: UUID) -> None:
        await payments.look(self._services, payment_id)

    async def _ask_payout(self, payout_id: UUID) -> None:
        await payout_sending.look(self._services, self._gateway, payout_id)

    async def _ask_refund(self, refund_id: UUID) -> None:
        async with self._services.read() as conn:
            refund = await refund_rows.get(conn, refund_id=refund_id)
        if refund is not None and refund.gateway_refund_id is not None:
            told = await self._gateway.fetch_refund(refund.gateway_refund_id)
            await gateway_events.take_refund(self._services, self._gateway, told)


def _busily(hand: Callable[[], Awaitable[bool]]) -> Step:
    """At once again while there is something to do."""

    async def step() -> float | None:
        return 0.0 if await hand() else None

    return step
