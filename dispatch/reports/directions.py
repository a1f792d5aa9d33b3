"""Which way a line of text is read: the levels of its letters by the Unicode Bidirectional Algorithm (UAX #9).

Even levels are read from left to right, odd ones from right to left. Names and addresses are lines of their own, whose
direction is that of their first letter with one. Signs that demand a direction (embeddings, overrides, isolates) are
left out: whoever types a name has no need of them, and they can make a text look like another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar
from unicodedata import bidirectional

T = TypeVar("T")

_BRACKETS = {"(": ")", "[": "]", "{": "}", "<": ">", "\u00ab": "\u00bb"}
_LEFT_OUT = {"BN", "LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
_NEUTRAL = {"B", "S", "WS", "ON"}
_FROM_RIGHT = {"R", "AL", "AN"}


def has_from_right(text: str) -> bool:
    """That anything in it is read from right to left, or could be."""
    return not _FROM_RIGHT.isdisjoint(map(bidirectional, text))


def levels(text: str) -> list[int]:
    """One level for each letter; for what is left out, that of the letter before it."""
    if not has_from_right(text):
        return [0] * len(text)
    kinds = [bidirectional(letter) or "L" for letter in text]
    base = next((int(kind != "L") for kind in kinds if kind in ("L", "R", "AL")), 0)
    kept = [at for at, kind in enumerate(kinds) if kind not in _LEFT_OUT]
    around = "R" if base else "L"
    was = [kinds[at] for at in kept]
    found = _weak(was, around)
    _brackets([text[at] for at in kept], was, found, around)
    _neutral(found, around)
    by_place = {at: _level(kind, base) for at, kind in zip(kept, found, strict=True)}
    for at in reversed(kept):
        if kinds[at] not in ("B", "S", "WS"):
            break
        by_place[at] = base
    out, last = [], base
    for at in range(len(text)):
        last = by_place.get(at, last)
        out.append(last)
    return out


def in_sight(parts: Sequence[tuple[int, T]]) -> list[T]:
    """Parts with their levels, as they stand on the line from left to right."""
    order = list(parts)
    lowest = min((level for level, _ in order if level % 2), default=0)
    for level in range(max((level for level, _ in order), default=0), max(lowest, 1) - 1, -1):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and order[end][0] >= level:
                end += 1
            order[start:end] = order[start:end][::-1]
            start = end + 1
    return [part for _, part in order]


def _weak(kinds: Sequence[str], around: str) -> list[str]:
    """Numbers, their signs, and marks: rules W1 to W7."""
    out: list[str] = []
    strong = around
    for kind in kinds:
        if kind == "NSM":
            kind = out[-1] if out else around
        elif kind in ("L", "R", "AL"):
            strong = kind
        elif kind == "EN" and strong == "AL":
            kind = "AN"
        out.append(kind)
    out = ["R" if kind == "AL" else kind for kind in out]
    for at in range(1, len(out) - 1):
        before, after = out[at - 1], out[at + 1]
        if before == after and ((out[at] == "CS" and before in ("EN", "AN")) or (out[at] == "ES" and before == "EN")):
            out[at] = before
    _beside_numbers(out)
    strong = around
    for at, kind in enumerate(out):
        if kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            out[at] = "L"
        elif kind in ("ET", "ES", "CS"):
            out[at] = "ON"
    return out


def _beside_numbers(kinds: list[str]) -> None:
    """Signs of amounts beside a number are part of it."""
    at = 0
    while at < len(kinds):
        end = at
        while end < len(kinds) and kinds[end] == "ET":
            end += 1
        if "EN" in (kinds[at - 1] if at else "", kinds[end] if end < len(kinds) else ""):
            kinds[at:end] = ["EN"] * (end - at)
        at = end + 1


def _brackets(text: Sequence[str], was: Sequence[str], kinds: list[str], around: str) -> None:
    """Both brackets of a pair go with what they enclose, or with what stands before them: rule N0."""
    for start, end in _pairs(text, kinds):
        inside = {_side(kind) for kind in kinds[start + 1 : end]} - {""}
        if not inside:
            continue
        if around in inside:
            side = around
        else:
            before = next((_side(kind) for kind in reversed(kinds[:start]) if _side(kind)), around)
            side = before if before in inside else around
        for at in (start, end):
            kinds[at] = side
            while (at := at + 1) < len(kinds) and was[at] == "NSM":
                kinds[at] = side


def _pairs(text: Sequence[str], kinds: Sequence[str]) -> list[tuple[int, int]]:
    opened: list[tuple[str, int]] = []
    found = []
    for at, letter in enumerate(text):
        if kinds[at] != "ON":
            continue
        if letter in _BRACKETS:
            opened.append((_BRACKETS[letter], at))
        elif (one := next((n for n in reversed(range(len(opened))) if opened[n][0] == letter), None)) is not None:
            found.append((opened[one][1], at))
            del opened[one:]
    return sorted(found)


def _neutral(kinds: list[str], around: str) -> None:
    """What has no direction goes with what is on both its sides, else with the line: rules N1 and N2."""
    at = 0
    while at < len(kinds):
        end = at
        while end < len(kinds) and kinds[end] in _NEUTRAL:
            end += 1
        if end > at:
            before = _side(kinds[at - 1]) if at else around
            after = _side(kinds[end]) if end < len(kinds) else around
            kinds[at:end] = [before if before == after else around] * (end - at)
        at = end + 1


def _side(kind: str) -> str:
    """Numbers stand among letters from the right as those do."""
    return "R" if kind in ("R", "EN", "AN") else "L" if kind == "L" else ""


def _level(kind: str, base: int) -> int:
    if base:
        return 1 if kind == "R" else 2
    return {"L": 0, "R": 1}.get(kind, 2)
