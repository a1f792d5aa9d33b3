"""The base classes of everything that comes in or goes out, and the type of money."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    ValidationInfo,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import SerializationInfo

from dispatch.localtime import parse_time
from storage.currencies import kept

#: The kind of complaint whose words a contract gives.
DOCUMENTED = "documented"


def documented(text: str) -> PydanticCustomError:
    """For validators: a complaint that is told word for word."""
    return PydanticCustomError(DOCUMENTED, "{text}", {"text": text})


#: A currency by its code, in which amounts may be kept.
Currency = Annotated[
    str, StringConstraints(strip_whitespace=True, to_upper=True, pattern="^[A-Za-z]{3}$"), AfterValidator(kept)
]

#: The largest amount that is taken from outside, in minor units: what is beyond is a slip of the finger.
MAX_MINOR = 10**13
#: The power of ten of an amount's first digit, and its text, are within these whatever the currency.
_FINEST, _GREATEST = -12, 13
_LONGEST_AMOUNT = 40


class MoneyForm(Protocol):
    """The part of a dialect that reading money needs: the smallest units in one written unit."""

    @property
    def minor_per_unit(self) -> int: ...


def money_in(value: Any, dialect: MoneyForm) -> int:
    """Minor units of an amount as this dialect writes it. Raises ValueError with a sentence."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("must be an amount of money")
    # A float is read by its shortest text, so that 331.2 is 331.20 and not 331.19999...
    text = str(value).strip()
    try:
        amount = Decimal(text) if len(text) <= _LONGEST_AMOUNT else None
    except ArithmeticError as error:
        raise ValueError("must be an amount of money") from error
    # Its size is looked at before anything is computed: an exponent of eight digits would overflow.
    if amount is None or not amount.is_finite() or (amount and not _FINEST <= amount.adjusted() <= _GREATEST):
        raise ValueError("must be an amount of money that exists")
    amount = amount * dialect.minor_per_unit if amount else Decimal(0)
    if abs(amount) > MAX_MINOR:
        raise ValueError("must be an amount of money that exists")
    if amount != amount.to_integral_value():
        raise ValueError("must not be finer than the smallest unit of the currency")
    return int(amount)


def _validate_money(value: Any, info: ValidationInfo) -> int:
    if info.context is not None:
        return money_in(value, info.context)
    # Without a dialect it comes from our own code, which speaks minor units only.
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be whole minor units")
    return value


def _render_money(value: int | None, info: SerializationInfo) -> int | float | None:
    return value if info.context is None or value is None else info.context.money(value)


class _MoneySchema:
    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "number", "description": "An amount of money", "x-money": True}


#: Minor units inside (int); outside whatever the audience's dialect writes.
Money = Annotated[int, PlainValidator(_validate_money), PlainSerializer(_render_money), _MoneySchema]

#: The largest price or single amount that anybody asks for, in minor units.
MOST_MINOR = 1_000_000_000


def within(least: int, most: int) -> AfterValidator:
    """The bounds of an amount, in minor units, told in the units of whoever sent it."""

    def check(value: int, info: ValidationInfo) -> int:
        if least <= value <= most:
            return value
        which, bound = ("least", least) if value < least else ("most", most)
        units = info.context.minor_per_unit if info.context is not None else 1
        whole, rest = divmod(bound, units)
        raise ValueError(f"must be at {which} {whole:,}" + (f".{rest:02d}" if rest else ""))

    return AfterValidator(check)


#: A latitude or longitude as it goes out: ten centimetres, without the noise of binary fractions.
Degrees = Annotated[float, PlainSerializer(lambda value: round(value, 6))]


#: Dates from outside lie in these years: what is beyond is a slip, and near the ends of the calendar sums overflow.
FIRST_YEAR, LAST_YEAR = 2000, 2100


def _in_our_time(value: date) -> date:
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"must lie in the years {FIRST_YEAR} to {LAST_YEAR}")
    return value


#: A moment (with an offset) and a local day, as they come in.
Moment = Annotated[AwareDatetime, AfterValidator(_in_our_time)]
Day = Annotated[date, AfterValidator(_in_our_time)]


def _clock_face(value: Any) -> time:
    if isinstance(value, str):
        return parse_time(value)
    # A number would be taken for the seconds of a day, with an offset.
    if not isinstance(value, time) or value.tzinfo is not None:
        raise ValueError("must be a time such as 10:00 AM or 10:00")
    return value


#: "10:00 AM", "10:00" or "10:00:00" (C71).
BookingTime = Annotated[time, BeforeValidator(_clock_face)]
#: A whole number that a column of four bytes takes.
Whole = Annotated[int, Field(ge=-(2**31), le=2**31 - 1)]
#: One that a column of eight bytes takes.
Long = Annotated[int, Field(ge=-(2**63), le=2**63 - 1)]


class _Model(BaseModel):
    #: camelCase on the wire; the dialect of an audience decides which base its models must have.
    is_camel: ClassVar[bool] = False

    model_config = ConfigDict(
        allow_inf_nan=False, validate_by_name=True, validate_by_alias=True, serialize_by_alias=True,
        str_max_length=20_000, json_schema_serialization_defaults_required=True,
    )  # fmt: skip


class _Incoming(_Model):
    #: Optional fields in which null is a value of its own (it clears) and not the same as absent.
    keeps_null: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or None not in given.values():
            return given
        droppable = {
            name
            for field_name, field in cls.model_fields.items()
            if not field.is_required() and field_name not in cls.keeps_null
            for name in (field_name, field.alias, field.validation_alias)
            if isinstance(name, str)
        }
        return {key: value for key, value in given.items() if value is not None or key not in droppable}


class Body(_Incoming):
    """A JSON body (or a part of one). A null for an optional field is the same as leaving it out."""


class Query(_Incoming):
    """The query string. A list takes key, key[], repeated keys and comma lists; a blank value is no value."""


class View(_Model):
    """What goes out."""


class CamelBody(Body):
    """A body in camelCase: fields are written snake_case here."""

    is_camel = True
    model_config = ConfigDict(alias_generator=to_camel)


class CamelQuery(Query):
    """A query string in camelCase."""

    is_camel = True
    model_config = ConfigDict(alias_generator=to_camel)


class CamelView(View):
    """What goes out in camelCase."""

    is_camel = True
    model_config = ConfigDict(alias_generator=to_camel)
