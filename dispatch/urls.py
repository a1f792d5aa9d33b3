"""Where this server may call when somebody else names the address: public machines only, over https.

Everything that is not plainly public is refused: private, loopback and link-local networks, those of documentation and
tests, multicast, and IPv6 addresses that stand for an IPv4 one (mapped, NAT64, 6to4, Teredo).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

MOST_URL_CHARS = 2000
#: The part of IPv6 that is routed in the world (RFC 4291), and what of it stands for addresses of another kind.
_WORLD = ipaddress.ip_network("2000::/3")
_TRANSLATED = tuple(ipaddress.ip_network(n) for n in ("2001::/32", "2002::/16", "64:ff9b::/96", "64:ff9b:1::/48"))
#: What resolvers read as an IPv4 address although it is not written as one: 2130706433, 0x7f.1, 127.1.
_NUMERIC = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?", re.IGNORECASE)
_UNWRITABLE = re.compile(r"[^\x21-\x7e]|\\")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
#: Names that no public machine has.
_INSIDE = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "localdomain", "home.arpa")


def is_public(address: str) -> bool:
    """Whether this literal address is a machine in the world."""
    try:
        found = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        return (
            found in _WORLD and found.is_global and not found.is_multicast
            and not any(found in network for network in _TRANSLATED)
        )  # fmt: skip
    return found.is_global and not found.is_multicast and not found.is_reserved


def complaint_of(url: str, open_hosts: Collection[str] = ()) -> str | None:
    """What is wrong with an address that events are to be sent to, as the rest of "The url ..."; None if nothing is.

    `open_hosts` are hosts of development: they may be private, and are spoken to over http too. What a name resolves to
    is looked at when it is called, every time.
    """
    if not 0 < len(url) <= MOST_URL_CHARS or _UNWRITABLE.search(url):
        return f"must be an https address of at most {MOST_URL_CHARS} plain characters"
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "must be an https address, like https://example.com/hooks"
    if parts.username is not None or parts.password is not None:
        return "must not contain a user name or a password"
    if host and host in open_hosts and parts.scheme in ("http", "https"):
        return None
    if parts.scheme != "https" or not host or port == 0:
        return "must be an https address, like https://example.com/hooks"
    return _complaint_of_host(host)


def shown(url: str) -> str:
    """An address without its query, which may hold a secret: for the audit and for letters."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"


def _complaint_of_host(host: str) -> str | None:
    inside = "must lead to a public machine, not into a private network"
    if ":" in host or _is_address(host):
        return None if is_public(host) else inside
    if _NUMERIC.fullmatch(host):
        return "must name its host, or give its address in the usual form"
    name = host.removesuffix(".")
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return "must name a host that can exist"
    if len(labels) < 2 or name.endswith(tuple(f".{end}" for end in _INSIDE)):
        return inside
    return None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
