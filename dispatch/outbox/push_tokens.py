"""The apps that take pushes: each belongs to a sign-in, is silent when that ends, and has one token at a time."""

from __future__ import annotations

from uuid import UUID

from dispatch.services import Tx
from storage import push_tokens as rows


async def register(
    tx: Tx, session_id: UUID, token: str, platform: str, *, account_id: UUID | None = None,
    technician_id: UUID | None = None,
) -> None:  # fmt: skip
    """From now on pushes go to this app; its earlier token is forgotten, and whoever was signed in on it before."""
    await rows.forget_of_session(tx.conn, session_id=session_id, token=token)
    await rows.put(
        tx.conn, token=token, session_id=session_id, account_id=account_id, technician_id=technician_id,
        platform=platform,
    )  # fmt: skip


async def forget(tx: Tx, token: str, *, account_id: UUID | None = None, technician_id: UUID | None = None) -> None:
    """Nothing more is pushed to it; repeating it changes nothing."""
    await rows.delete(tx.conn, token=token, account_id=account_id, technician_id=technician_id)
