"""The apps and pages that take pushes: each belongs to a sign-in, is silent when that ends, and has one token."""

from __future__ import annotations

from uuid import UUID

from dispatch.errors import Conflict, Invalid
from dispatch.ports.web_push import Subscription
from dispatch.services import Tx
from storage import push_tokens as rows


class PagesNotPushed(Conflict):
    """Nothing is pushed to pages here: no key is set for it."""

    code = "pages_not_pushed"


async def register(
    tx: Tx, session_id: UUID, token: str, platform: str, *, account_id: UUID | None = None,
    technician_id: UUID | None = None,
) -> None:  # fmt: skip
    """From now on pushes go to this app; its earlier token is forgotten, and whoever was signed in on it before."""
    await rows.forget_of_session(tx.conn, session_id=session_id, token=token)
    await rows.put(
        tx.conn, token=token, session_id=session_id, account_id=account_id, technician_id=technician_id,
        platform=platform, kind="app", p256dh=None, auth=None,
    )  # fmt: skip


async def register_page(tx: Tx, session_id: UUID, page: Subscription, *, technician_id: UUID) -> None:
    """The same for a page, by the address that its browser got from its push service.

    Raises PagesNotPushed, and Invalid for an address that is no push service's or keys that are none.
    """
    settings = tx.services.settings
    if not settings.push.is_configured:
        raise PagesNotPushed
    if bad := page.complaints(settings.webhooks.open_hosts):
        raise Invalid(bad)
    await rows.forget_of_session(tx.conn, session_id=session_id, token=page.endpoint)
    await rows.put(
        tx.conn, token=page.endpoint, session_id=session_id, account_id=None, technician_id=technician_id,
        platform="web", kind="page", p256dh=page.p256dh, auth=page.auth,
    )  # fmt: skip


async def forget(tx: Tx, token: str, *, account_id: UUID | None = None, technician_id: UUID | None = None) -> None:
    """Nothing more is pushed to it; repeating it changes nothing."""
    await rows.delete(tx.conn, token=token, account_id=account_id, technician_id=technician_id)
