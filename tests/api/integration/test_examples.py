"""The examples for integrators, run as they stand: what is documented works."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dispatch.client.partner import BadSignature, read_webhook
from dispatch.webhooks import signing
from tests.api.live import Live
from tests.integrations import App, onboard

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
SECRET = signing.generated()
BODY = '{"type": "booking.confirmed", "data": {}}'

BOOKING = {"curl": ("sh", "book.sh"), "python": (sys.executable, "book.py"), "node": ("node", "book.mjs")}
PROVING = {"python": (sys.executable, "webhook.py"), "node": ("node", "webhook.mjs")}


async def run(command: tuple[str, str], given: bytes | None = None, **env: str) -> tuple[int, list[str], str]:
    program, script = command
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}")
    process = await asyncio.create_subprocess_exec(
        program, str(EXAMPLES / script), env={**os.environ, **env}, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(given), 60)
    assert process.returncode is not None
    return process.returncode, out.decode().split("\n")[:-1], err.decode()


def env_of(live: Live, app: App) -> dict[str, str]:
    return {"DISPATCH_URL": live.url, "CLIENT_ID": app.client_id, "CLIENT_SECRET": app.secret}


@pytest.mark.parametrize("language", BOOKING)
async def test_each_example_books_and_cancels(live: Live, language: str) -> None:
    if language == "curl" and shutil.which("curl") is None:
        pytest.skip("needs curl")
    app = await onboard(live)
    code, told, error = await run(BOOKING[language], **env_of(live, app))
    assert code == 0, error
    assert told[0].startswith("BK-") and told[1:] == ["cancelled"]
    owner = await live.value(
        "SELECT c.integration_id::text FROM bookings b JOIN integration_customers c ON c.account_id = b.account_id"
        " WHERE b.number = $1",
        told[0],
    )
    assert owner == app.id


@pytest.mark.parametrize("language", BOOKING)
async def test_an_example_goes_on_for_whoever_changes_it(live: Live, tmp_path: Path, language: str) -> None:
    """The first run is forgotten: another person at another place is another customer, not a mistake."""
    if language == "curl" and shutil.which("curl") is None:
        pytest.skip("needs curl")
    app = await onboard(live)
    program, script = BOOKING[language]
    changed = tmp_path / script
    text = (EXAMPLES / script).read_text()
    changed.write_text(text.replace("Asha Rao", "Meera Das").replace("+919876543210", "+919876543211"))
    for path in (script, script, str(changed)):
        code, _, error = await run((program, path), **env_of(live, app))
        assert code == 0, error
    names = await live.value(
        "SELECT array_agg(a.name ORDER BY a.name) FROM integration_customers c JOIN accounts a ON a.id = c.account_id"
        " WHERE c.integration_id = $1::uuid",
        app.id,
    )
    assert names == ["Asha Rao", "Meera Das"]


@pytest.mark.parametrize("language", PROVING)
async def test_each_example_proves_a_webhook_and_refuses_a_forged_one(language: str) -> None:
    headers = signing.headers([signing.generated(), SECRET], "msg_1", datetime.now(UTC), BODY)
    came = {"secret": SECRET, "headers": headers, "body": BODY}
    code, told, error = await run(PROVING[language], json.dumps(came).encode())
    assert (code, told) == (0, ["booking.confirmed"]), error
    forged = {**came, "body": BODY.replace("confirmed", "cancelled")}
    assert (await run(PROVING[language], json.dumps(forged).encode()))[0] != 0
    old = {**headers, "webhook-timestamp": str(int(time.time()) - 3600)}
    assert (await run(PROVING[language], json.dumps({**came, "headers": old}).encode()))[0] != 0


def test_our_own_client_proves_them_too() -> None:
    headers = signing.headers([SECRET], "msg_1", datetime.now(UTC), BODY)
    assert read_webhook(SECRET, headers, BODY.encode())["type"] == "booking.confirmed"
    for secret, sent, body in (
        (signing.generated(), headers, BODY),
        (SECRET, headers, BODY + " "),
        (SECRET, {}, BODY),
        (SECRET, {**headers, "webhook-timestamp": "1"}, BODY),
        (SECRET, {**headers, "webhook-id": "msg_2"}, BODY),
    ):
        with pytest.raises(BadSignature):
            read_webhook(secret, sent, body.encode())


def test_every_example_is_told_of_and_every_one_told_of_is_there() -> None:
    told = (EXAMPLES / "README.md").read_text("utf-8")
    scripts = {p.name for p in EXAMPLES.iterdir() if p.suffix in (".sh", ".py", ".mjs")}
    assert scripts == {script for _, script in (*BOOKING.values(), *PROVING.values())}
    assert all(script in told for script in scripts)
