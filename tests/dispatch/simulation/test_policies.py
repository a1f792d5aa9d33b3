"""What simulated people decide: the same for one seed, in about their shares."""

from __future__ import annotations

from dispatch.simulation import policies
from dispatch.simulation.policies import Answer


def decisions(seed: int) -> list[policies.Reply]:
    return [
        policies.reply(policies.technician(seed, who), seed, who, offer) for who in range(1, 6) for offer in range(40)
    ]


def test_one_seed_decides_once() -> None:
    assert decisions(7) == decisions(7)
    assert decisions(7) != decisions(8)


def test_all_answers_occur_in_about_their_shares() -> None:
    found = [reply.answer for seed in range(10) for reply in decisions(seed)]
    share = {answer: found.count(answer) / len(found) for answer in Answer}
    assert 0.7 < share[Answer.ACCEPT] < 0.92
    assert share[Answer.REJECT] > 0.02
    assert share[Answer.IGNORE] > 0.02
    assert all(0 < reply.after_s <= 240 for reply in decisions(1))
