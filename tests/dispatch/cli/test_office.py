"""The commands of the back office, on a database of their own: the first member of staff, the proof of the audit."""

from __future__ import annotations

from pathlib import Path

import asyncpg

from tests.dispatch.cli.test_app import dispatch


async def test_somebody_is_made_staff_with_a_password_or_a_link_and_the_audit_is_proved(
    fresh_dsn: str, tmp_path: Path
) -> None:
    env = {"DATABASE_URL": fresh_dsn, "DISPATCH_DATA": str(tmp_path)}
    code, out, err = await dispatch("admin", "create", "first@example.com", "--role", "finance", **env)
    assert code == 0 and "first@example.com is finance" in out and "/account/" in out, err
    code, out, err = await dispatch("admin", "create", "First@example.com", **env)
    assert (code, err) == (1, "dispatch: Somebody with this e-mail address is staff already.\n")
    code, out, err = await dispatch("erp", "create", "clerk@example.com", "--role", "sales", **env)
    assert code == 0 and "clerk@example.com is sales of the ERP" in out and "/account/" in out, err
    code, out, err = await dispatch("audit", "verify", **env)
    assert code == 0 and out.startswith("2 entries") and "no findings" in out, err
    conn = await asyncpg.connect(fresh_dsn)
    await conn.execute("SET session_replication_role = replica")
    await conn.execute("UPDATE audit_log SET actor_id = 'somebody else'")
    await conn.close()
    code, out, err = await dispatch("audit", "verify", **env)
    assert code == 1 and "Row 1 (number 1) was changed." in out, err
