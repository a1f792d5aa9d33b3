"""How values of a kind must look: currencies, time zones, addresses with a password in them."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, SecretStr

from storage.currencies import kept
from storage.database.hosts import wanting_writes

#: What signing and sealing keys need (HMAC-SHA256, AES-256).
KEY_BYTES = 32

Currency = Annotated[str, Field(pattern="^[A-Z]{3}$"), AfterValidator(kept)]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as e:
        raise ValueError(f"there is no time zone {name!r}") from e
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]
#: For how long something is kept. Who wants it for ever writes a hundred years: much more leads to no date.
Days = Annotated[int, Field(ge=1, le=36_500)]


def _at_home(folder: Path) -> Path:
    """No shell has read ~ where it stands in a file, or behind an option's `=`."""
    try:
        return folder.expanduser()
    except RuntimeError:
        raise ValueError(f"there is no home that {folder.parts[0]} stands for") from None


Folder = Annotated[Path, AfterValidator(_at_home)]


def _unbroken(url: str, schemes: Collection[str], like: str) -> SplitResult:
    """The parts of an address that has a password in it. Nothing is quoted: nobody knows where a broken one has it."""
    unlike = ValueError(f"must be like {like}, with / # @ ? of a password percent-encoded (%2F %23 %40 %3F)")
    try:
        parts = urlsplit(url)
        user, _, hosts = parts.netloc.rpartition("@")
        for host in hosts.split(","):
            _ = urlsplit(f"//{host}").port  # Raises for what is none.
    except ValueError:
        raise unlike from None
    # A character that ends a part too early leaves the rest of the password, up to the @, in a later one.
    if parts.scheme not in schemes or "@" in user + parts.path + parts.query + parts.fragment:
        raise unlike
    return parts


def _database_address(url: str) -> str:
    if url:
        _unbroken(url, ("postgresql", "postgres"), "postgresql://user:password@host:5432/name")
    return wanting_writes(url)


def _database_secret(url: SecretStr) -> SecretStr:
    return SecretStr(_database_address(url.get_secret_value()))


def _redis_address(url: str) -> str:
    if url:
        like = "redis://user:password@host:6379/0"
        parts = _unbroken(url, ("redis", "rediss", "unix"), like)
        if parts.scheme != "unix" and not (parts.hostname and re.fullmatch("/?[0-9]*", parts.path)):
            raise ValueError(f"must name a host, and a database by its number: {like}")
    return url


def _web_address(url: str) -> str:
    if url:
        like = "https://host:443/path"
        parts = _unbroken(url, ("http", "https"), like)
        if not parts.hostname or parts.fragment or re.search(r"\s", url):
            raise ValueError(f"must name a host, and nothing behind a #: {like}")
    return url


def _web_root(url: str) -> str:
    if "?" in _web_address(url):
        raise ValueError("must have nothing behind a ?, because more is put behind it")
    return url


DatabaseUrl = Annotated[str, AfterValidator(_database_address)]
#: The same where it is no text that everybody reads.
DatabaseSecret = Annotated[SecretStr, AfterValidator(_database_secret)]
RedisUrl = Annotated[str, AfterValidator(_redis_address)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
#: One behind which more is put.
WebRoot = Annotated[str, AfterValidator(_web_root)]
