"""How simulated people decide: drawn once per person and occasion from the seed, so that one seed is one story."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


class Answer(StrEnum):
    """What a technician does with an offer."""

    ACCEPT = "accept"
    REJECT = "reject"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer and how long it takes, in seconds of the domain's time."""

    answer: Answer
    after_s: float


@dataclass(frozen=True, slots=True)
class TechnicianPolicy:
    """One technician's character. Shares of 1; seconds of the domain's time; metres per second."""

    accept: float
    reject: float
    answer_s: float
    speed_mps: float
    work_share: float


@dataclass(frozen=True, slots=True)
class CustomerPolicy:
    """One customer's character."""

    pays_online: float
    cancels: float
    rates: float
    patience_s: float


def dice_for(seed: int, *names: object) -> random.Random:
    """The dice of one person and occasion: equal names give equal throws, in every process."""
    return random.Random(f"{seed}/" + "/".join(str(n) for n in names))


def technician(seed: int, number: int) -> TechnicianPolicy:
    dice = dice_for(seed, "technician", number)
    reject = dice.uniform(0.02, 0.15)
    return TechnicianPolicy(
        accept=dice.uniform(0.7, 0.92), reject=reject, answer_s=dice.uniform(8.0, 60.0),
        speed_mps=dice.uniform(6.0, 9.0), work_share=dice.uniform(0.4, 0.9),
    )  # fmt: skip


def customer(seed: int, number: int) -> CustomerPolicy:
    dice = dice_for(seed, "customer", number)
    return CustomerPolicy(
        pays_online=dice.uniform(0.2, 0.5), cancels=dice.uniform(0.0, 0.15), rates=dice.uniform(0.5, 1.0),
        patience_s=dice.uniform(900.0, 2400.0),
    )  # fmt: skip


def reply(policy: TechnicianPolicy, seed: int, number: int, offer: int) -> Reply:
    """What technician `number` does with their `offer`-th offer."""
    dice = dice_for(seed, "offer", number, offer)
    throw, after_s = dice.random(), min(240.0, dice.expovariate(1.0 / policy.answer_s) + 3.0)
    if throw < policy.accept:
        return Reply(Answer.ACCEPT, after_s)
    if throw < policy.accept + policy.reject:
        return Reply(Answer.REJECT, after_s)
    return Reply(Answer.IGNORE, after_s)
