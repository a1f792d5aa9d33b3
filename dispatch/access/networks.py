"""Who counts as one caller by the address: an IPv4 address, or what one IPv6 subscriber was given."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

#: What stands for an address that is none.
UNKNOWN = "unknown"
#: One IPv6 subscriber has a /64 at least, and a site a /48: 65,536 of those for the asking.
_NARROW, _WIDE = 64, 48
#: A site may do as much as so many subscribers.
WIDE_FACTOR = 4


@lru_cache(maxsize=8192)
def networks_of(ip: str) -> tuple[tuple[str, int], ...]:
    """Under which names an address is counted, the narrowest first, and how many times the limit each may use up."""
    try:
        address = ipaddress.ip_address(ip.split("%", 1)[0])
    except ValueError:
        return ((UNKNOWN, 1),)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return ((str(address.ipv4_mapped), 1),)
        narrow, wide = (str(ipaddress.ip_network((address, bits), strict=False)) for bits in (_NARROW, _WIDE))
        return ((narrow, 1), (wide, WIDE_FACTOR))
    return ((str(address), 1),)


def network_of(ip: str) -> str:
    """One caller as counters see it: an IPv4 address, or the /64 of an IPv6 one."""
    return networks_of(ip)[0][0]
