"""Fields that several endpoints of the organisation portal share, and who acts."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, EmailStr, StringConstraints

from api.audiences import Member
from api.wire.models import CamelBody, CamelView
from dispatch.access import phones
from dispatch.errors import NotAllowed
from dispatch.parties.members import By
from dispatch.services import Services


def line(most: int) -> Any:
    """Text of one to so many characters."""
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=most)


#: How the addresses of files begin that were sent here, where the server has no public address of its own.
OWN_FILES = "/v1/files/"


def _web_address(value: str) -> str:
    if value.startswith(OWN_FILES):
        return value
    scheme, _, rest = value.partition("://")
    if scheme.lower() not in ("http", "https") or not rest or any(c.isspace() for c in value):
        raise ValueError("must be a web address that begins with https://")
    return value


Name = Annotated[str, line(200)]
Word = Annotated[str, line(100)]
Words = Annotated[str, line(2000)]
Code = Annotated[str, line(30)]
#: An address elsewhere: kept and shown, and never fetched.
Url = Annotated[str, line(2000), AfterValidator(_web_address)]
#: As it is written: a number that nobody has given out yet passes.
Phone = Annotated[str, line(32)]
Email = Annotated[EmailStr, AfterValidator(str.lower)]


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


#: Categories of services; "all" among them means every one.
ServiceNames = Annotated[list[Word], BeforeValidator(_as_list)]


class PersonIn(CamelBody):
    """Somebody whom one may write to."""

    first_name: Word
    last_name: Word | None = None
    position: Word | None = None
    email: Email
    phone_number: Phone | None = None


class AddressIn(CamelBody):
    street: Name | None = None
    city: Word | None = None
    state: Word | None = None
    zip_code: Code | None = None
    country: Word | None = None


class ManagerOut(CamelView):
    """The member of staff who looks after the organisation."""

    name: str | None
    email: str | None
    phone: str | None


def organisation_of(caller: Member) -> UUID:
    assert caller.party_id is not None, "members and keys of an organisation belong to one"
    return caller.party_id


def by_of(caller: Member) -> By:
    """Who acts, and within what."""
    return By(organisation_of(caller), caller.actor, caller.role, caller.within, caller.membership_id)


def whole_organisation(caller: Member) -> UUID:
    """The organisation of somebody who is bound to no department. Raises NotAllowed."""
    if caller.within is not None:
        raise NotAllowed("This concerns the whole organisation: ask an administrator of it.")
    return organisation_of(caller)


def phone_of(services: Services, written: str | None, field: str) -> str | None:
    """E.164 of a phone number. Raises Invalid naming the field."""
    return None if written is None else phones.normalise(written, services.settings.phone_region, field)
