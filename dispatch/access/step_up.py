"""Step-up: a fresh code buys five minutes in which the sensitive may be done (R16, C46)."""

from __future__ import annotations

import hmac
from uuid import UUID

from dispatch.errors import DispatchError, NotAllowed
from dispatch.services import Services
from dispatch.vault import vault_of

LIFE_S = 300
REALM = "step_up"


class StepUpNeeded(NotAllowed):
    """This needs a fresh code: verify one, and send the answer's step_up_token as X-Step-Up-Token."""

    code = "step_up_required"


def mint(services: Services, realm: str, subject_id: UUID, phone: str) -> str:
    """A token for one subject in one realm, good for 5 minutes and only while the phone stays the same."""
    extra = {"for": realm, "phone": vault_of(services.settings).fingerprint("step_up", phone)}
    return services.tokens.mint(REALM, str(subject_id), None, LIFE_S, extra)


def check(services: Services, token: str | None, realm: str, subject_id: UUID, phone: str | None) -> None:
    """Raises StepUpNeeded unless `token` is a living one for this subject and this phone."""
    if not token or not phone:
        raise StepUpNeeded
    try:
        claims = services.tokens.read(token, REALM)
    except DispatchError:
        raise StepUpNeeded from None
    expected = vault_of(services.settings).fingerprint("step_up", phone)
    is_ours = claims.subject == str(subject_id) and claims.extra.get("for") == realm
    if not is_ours or not hmac.compare_digest(str(claims.extra.get("phone", "")).encode(), expected.encode()):
        raise StepUpNeeded
