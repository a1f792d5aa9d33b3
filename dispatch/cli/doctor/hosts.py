"""The hosts of a database that is given, and the read replica."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatch.cli.doctor.findings import Finding, Verdict, first_line

if TYPE_CHECKING:
    from dispatch.config import Settings

#: A standby that is farther behind is worth a word, in seconds.
_MOST_BEHIND_S = 60.0


async def hosts_of(settings: Settings) -> list[Finding]:
    """Who is primary, and who stands by, of a database that is given."""
    from storage.database import hosts

    found: list[Finding] = []
    if not settings.database_url:
        return found
    standing = await hosts.standing(settings.database_url)
    for one in standing:
        if one.error is not None:
            found.append(Finding("database host", "wrong", f"{one.host}: {one.error}", "start it, or take it out"))
        elif one.is_standby:
            verdict: Verdict = "note" if one.behind_s > _MOST_BEHIND_S else "ok"
            remedy = "a failover would lose that" if verdict == "note" else ""
            said = f"{one.host} stands by, {one.behind_s:.1f} s behind"
            found.append(Finding("database host", verdict, said, remedy))
        else:
            said = f"{one.host or 'the server'} is the primary; {one.standbys} standbys follow it"
            found.append(Finding("database host", "ok", said))
    if sum(not one.is_standby and one.error is None for one in standing) > 1:
        found.append(Finding("database host", "wrong", "more than one takes writes", "stop all but the right one"))
    return found


async def replica_of(settings: Settings) -> list[Finding]:
    """Whether the read replica answers; without it the server works."""
    from storage.database import hosts

    found: list[Finding] = []
    if settings.database.replica_url is None:
        return found
    try:
        standing = await hosts.standing(settings.database.replica_url.get_secret_value())
    except Exception as error:  # whatever it is, it is the finding
        return [Finding("read replica", "wrong", first_line(error), "check DISPATCH_DATABASE__REPLICA_URL")]
    for one in standing:
        if one.error is not None:
            remedy = "check DISPATCH_DATABASE__REPLICA_URL and that it runs; the primary answers analytics meanwhile"
            found.append(Finding("read replica", "wrong", f"{one.host}: {one.error}", remedy))
        else:
            said = f"{one.host or 'it'} answers, {one.behind_s:.1f} s behind"
            found.append(Finding("read replica", "note" if one.behind_s > _MOST_BEHIND_S else "ok", said))
    return found
