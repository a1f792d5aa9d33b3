"""The settings: whether they are whole here, and what production would want besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatch.cli.doctor.findings import Finding
from dispatch.process import environments

if TYPE_CHECKING:
    from dispatch.config import Settings


def configuration_of(settings: Settings) -> list[Finding]:
    """What is missing or unfit, here and for production."""
    missing, unfit = environments.missing(settings), environments.unfit(settings)
    found = [Finding("settings", "ok", f"{settings.env} has what it needs")]
    if missing:
        found = [Finding("settings", "wrong", f"missing {', '.join(missing)}", "set them in the environment")]
    if unfit:
        found.append(Finding("settings", "wrong", "; ".join(unfit), f"{settings.env} refuses it: change it"))
    if settings.is_production:
        return found
    wanted = environments.missing(settings, "production")
    said = Finding("for production", "ok", "nothing is missing")
    if wanted:
        said = Finding(
            "for production", "note", f"missing {', '.join(wanted)}", "set them before DISPATCH_ENV=production"
        )
    return [*found, said]
