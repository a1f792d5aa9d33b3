"""Trouble on demand: what happens to an API call's reply, and to a webhook on its way."""

from __future__ import annotations

import fnmatch
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dispatch.local_gateway.refusals import Refusal

AFTER_BY_DEFAULT = frozenset({"hang", "close", "garbage", "wrong_shape", "oversized", "drip", "slow"})
BEFORE_BY_DEFAULT = frozenset({"error_500", "html_502", "throttle"})
KINDS = AFTER_BY_DEFAULT | BEFORE_BY_DEFAULT


class Chance:
    """Says yes for the next N, or with a probability; the same seed gives the same answers."""

    def __init__(self, seed: str, *, times: int = 0, probability: float = 0.0) -> None:
        self.left = times
        self._probability = probability
        self._random = random.Random(seed)

    def strikes(self) -> bool:
        if self.left > 0:
            self.left -= 1
            return True
        return self._probability > 0 and self._random.random() < self._probability

    @staticmethod
    def of(value: Any, seed: str) -> Chance:
        """From {"next": 3}, {"probability": 0.1}, a bare whole number (the next N) or True (the next one)."""
        if isinstance(value, (int, bool)):
            value = {"next": int(value)}
        if not isinstance(value, dict) or not set(value) <= {"next", "probability"}:
            raise Refusal('a chance is {"next": N} or {"probability": P}')
        times, probability = value.get("next", 0), value.get("probability", 0.0)
        if (
            type(times) is not int
            or times < 0
            or not isinstance(probability, (int, float))
            or not 0 <= probability <= 1
        ):
            raise Refusal("next is a count, probability is between 0 and 1")
        return Chance(seed, times=times, probability=float(probability))


@dataclass(slots=True)
class ApiFault:
    """One kind of trouble with API calls. `after`: the call has its effect before the trouble."""

    kind: str
    after: bool
    seconds: float
    match: str
    chance: Chance


class ApiFaults:
    """The faults in force, asked in order for each call."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._faults: list[ApiFault] = []
        self.struck: dict[str, int] = {}

    def set(self, faults: Any) -> None:
        """Replaces them by those of [{"fault", "effect"?, "next" | "probability", "match"?, "seconds"?}]."""
        if not isinstance(faults, list) or not all(isinstance(fault, dict) for fault in faults):
            raise Refusal("api is a list of faults")
        self._faults = [self._fault(fault, n) for n, fault in enumerate(faults)]

    def pick(self, method: str, path: str) -> ApiFault | None:
        for fault in self._faults:
            if fnmatch.fnmatchcase(f"{method} {path}", fault.match) and fault.chance.strikes():
                self.struck[fault.kind] = self.struck.get(fault.kind, 0) + 1
                return fault
        return None

    def _fault(self, given: Mapping[str, Any], number: int) -> ApiFault:
        known = {"fault", "effect", "next", "probability", "match", "seconds"}
        kind, effect = given.get("fault"), given.get("effect")
        if not set(given) <= known or kind not in KINDS or effect not in (None, "before", "after"):
            raise Refusal(f"a fault has {sorted(known)}; it is one of {sorted(KINDS)}, its effect before or after")
        chance = {name: given[name] for name in ("next", "probability") if name in given} or {"next": 1}
        seconds = given.get("seconds", 30.0 if kind in ("hang", "drip") else 1.0)
        if not isinstance(seconds, (int, float)) or not 0 <= seconds <= 3600:
            raise Refusal("seconds is between 0 and 3600")
        return ApiFault(
            kind=str(kind),
            after=effect == "after" if effect else kind in AFTER_BY_DEFAULT,
            seconds=float(seconds),
            match=str(given.get("match", "*")),
            chance=Chance.of(chance, f"{self._seed}:api:{number}:{kind}"),
        )


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one copy of a webhook."""

    state: str = "queued"
    signed_with: str = "current"  # current, previous, forged
    delay_s: float = 0.0


@dataclass(slots=True)
class WebhookFaults:
    """The faults of webhooks in force; drawn once for each event, in the order of events."""

    seed: str
    duplicate: int = 0  # how many more copies of each event, with the same event id
    delay_s: float = 0.0
    reorder_s: float = 0.0  # each event waits up to so long, so that they overtake each other
    hold: bool = False  # events wait for a release
    chances: dict[str, Chance] = field(default_factory=dict)  # drop, forged, old_secret
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(f"{self.seed}:webhooks")

    def set(self, given: Any) -> None:
        """Replaces what is named; the rest stays."""
        known = {"duplicate", "delay_s", "reorder_s", "hold", "drop", "forged", "old_secret"}
        if not isinstance(given, dict) or not set(given) <= known:
            raise Refusal(f"webhooks has {sorted(known)}")
        for name in ("duplicate", "delay_s", "reorder_s"):
            if name in given:
                value = given[name]
                if not isinstance(value, (int, float)) or not 0 <= value <= 86_400:
                    raise Refusal(f"{name} is between 0 and 86400")
                setattr(self, name, int(value) if name == "duplicate" else float(value))
        self.hold = bool(given.get("hold", self.hold))
        for name in ("drop", "forged", "old_secret"):
            if name in given:
                self.chances[name] = Chance.of(given[name], f"{self.seed}:{name}")

    def fates(self) -> list[Fate]:
        """One for each copy of the next event."""
        struck = {name for name, chance in self.chances.items() if chance.strikes()}
        state = "dropped" if "drop" in struck else "held" if self.hold else "queued"
        signed_with = "forged" if "forged" in struck else "previous" if "old_secret" in struck else "current"
        fates = []
        for _ in range(1 + self.duplicate):
            jitter_s = self._random.uniform(0, self.reorder_s) if self.reorder_s else 0.0
            fates.append(Fate(state, signed_with, self.delay_s + jitter_s))
        return fates

    def shuffle(self, items: list[Any]) -> None:
        self._random.shuffle(items)
