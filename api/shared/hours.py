"""Working hours as technicians and staff write them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from api.wire.models import Body
from dispatch.engine import presence
from dispatch.errors import Invalid
from dispatch.live.hours import minutes_of


def _minutes(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("Write a time as the clocks of the place show it, from 00:00 to 24:00.")
    return minutes_of(value)


ClockFace = Annotated[
    int, PlainValidator(_minutes, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$", "examples": ["08:00", "24:00"]}),
]  # fmt: skip
Weekday = Annotated[int, Field(ge=1, le=7, strict=True)]


class BreakIn(Body):
    start: ClockFace
    end: ClockFace


class DayIn(Body):
    """The hours of one weekday; one that ends no later than it starts runs over midnight."""

    day: Weekday
    start: ClockFace
    end: ClockFace
    breaks: Annotated[list[BreakIn], Field(max_length=8)] = []


class HoursIn(Body):
    """The same hours on some days, or those of each weekday in `weekly`, which then counts alone."""

    start: ClockFace | None = None
    end: ClockFace | None = None
    days: Annotated[list[Weekday], Field(max_length=50)] | None = None
    breaks: Annotated[list[BreakIn], Field(max_length=8)] = []
    weekly: Annotated[list[DayIn], Field(min_length=1, max_length=50)] | None = None

    def shifts(self) -> list[presence.Shift]:
        """As the domain reads them. Raises Invalid when neither form is complete."""
        if self.weekly is not None:
            return [
                presence.Shift([one.day], one.start, one.end, _spans(one.breaks), f".weekly.{n}")
                for n, one in enumerate(self.weekly)
            ]
        if self.start is None or self.end is None or self.days is None:
            given = {"start": self.start, "end": self.end, "days": self.days}
            raise Invalid({f"working_hours.{k}": "This is needed." for k, v in given.items() if v is None})
        return [presence.Shift(sorted(set(self.days)), self.start, self.end, _spans(self.breaks))]


def _spans(breaks: list[BreakIn]) -> list[tuple[int, int]]:
    return [(one.start, one.end) for one in breaks]
