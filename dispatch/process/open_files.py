"""How many files the process may have open: each connection is one, and running out of them stops accepting."""

from __future__ import annotations

import resource

#: What a server with some thousand sockets wants.
WANTED = 65_536
#: Fewer than this are too few for one busy address beside the others.
FEWEST = 4_096
#: Kept for the database, Redis, files and what goes out.
RESERVED = 256


def limits() -> tuple[int, int]:
    """(now, at most) of this process."""
    soft, hard = (WANTED * 16 if n == resource.RLIM_INFINITY else n for n in resource.getrlimit(resource.RLIMIT_NOFILE))
    return soft, hard


def raise_limit() -> int:
    """Takes as many as are allowed, up to WANTED; returns how many there are now."""
    soft, hard = limits()
    if soft < (wanted := min(hard, WANTED)):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        except (OSError, ValueError):
            # Some systems promise more than they give: what there is will do.
            return soft
        soft = wanted
    return soft
