"""What is written to the outbox: with its cause, sealed where it is secret, as long as it is good."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatch.config.neighbours import Senders
from dispatch.outbox import messages, sweeper
from dispatch.outbox.sweeper import OutboxSweeper
from dispatch.ports.messages import SendFailed
from dispatch.services import Services
from storage.database.pool import Pool
from tests.dispatch.outbox.test_sweeper import Recorder, make_due, put, rows
from tests.identity import PHONE, everything, make_services


async def test_in_production_a_secret_is_sealed_until_sent_and_then_erased(fresh_pool: Pool, tmp_path: Path) -> None:
    services = make_services(fresh_pool, tmp_path, env="production")
    await put(services, "CANARY", is_secret=True)
    assert "CANARY" not in await everything(fresh_pool)
    recorder = Recorder()
    await OutboxSweeper(services, "sms", recorder).run_once()
    assert recorder.texts == ["CANARY: "]
    assert recorder.got[0].params["title"] == "CANARY"
    row = (await rows(services))[0]
    assert (row["state"], row["body"], row["data"]) == ("sent", "", {})


async def test_staging_hides_what_it_sends_and_shows_what_it_keeps(fresh_pool: Pool, tmp_path: Path) -> None:
    kept = make_services(fresh_pool, tmp_path, env="staging")
    await put(kept, "READABLE", is_secret=True)
    await OutboxSweeper(kept, "sms", Recorder()).run_once()
    assert "READABLE" in (await rows(kept))[0]["body"]
    sending = make_services(fresh_pool, tmp_path, env="staging", senders=Senders(sms="twilio"))
    await put(sending, "CANARY", is_secret=True)
    assert "CANARY" not in await everything(fresh_pool)
    await OutboxSweeper(sending, "sms", Recorder()).run_once()
    assert (await rows(sending))[1]["body"] == ""


async def test_an_old_code_is_not_sent(services: Services) -> None:
    await put(services, "123456", is_secret=True)
    async with services.transaction() as tx:
        await tx.conn.execute("UPDATE outbox SET created_at = clock_timestamp() - interval '6 minutes'")
    recorder = Recorder()
    await OutboxSweeper(services, "sms", recorder).run_once()
    assert recorder.got == []
    row = (await rows(services))[0]
    assert (row["state"], row["body"]) == ("dead", "")


async def test_a_message_of_a_rolled_back_cause_is_never_sent(services: Services) -> None:
    with pytest.raises(ZeroDivisionError):
        async with services.transaction() as tx:
            await messages.enqueue(tx, "sms", PHONE, "phone_changed", {})
            raise ZeroDivisionError
    assert await OutboxSweeper(services, "sms", Recorder()).run_once() == 0


async def test_a_link_may_arrive_as_long_as_it_works_and_a_code_may_not(services: Services) -> None:
    async with services.transaction() as tx:
        link = {"link": "https://x.example/", "hours": 24}
        await messages.enqueue(tx, "email", "a@example.com", "password_link", link, is_secret=True)
        code = {"code": "123456", "minutes": 5}
        await messages.enqueue(tx, "email", "b@example.com", "otp_password", code, is_secret=True)
        await tx.conn.execute("UPDATE outbox SET created_at = created_at - interval '1 hour'")
    recorder = Recorder()
    await OutboxSweeper(services, "email", recorder).run_once()
    assert [(m.recipient, m.subject) for m in recorder.got] == [("a@example.com", "Choose your password")]
    assert [r["state"] for r in await rows(services)] == ["sent", "dead"]


async def test_letters_are_tried_for_most_of_a_day(services: Services) -> None:
    assert sum(sweeper.EMAIL_DELAYS_S) > 15 * 3600
    async with services.transaction() as tx:
        await messages.enqueue(tx, "email", "a@example.com", "password_changed", {})
    recorder = Recorder([SendFailed("away")] * 20)
    sweep = OutboxSweeper(services, "email", recorder)
    for _ in range(len(sweeper.EMAIL_DELAYS_S) + 3):
        await sweep.run_once()
        await make_due(services)
    assert len(recorder.got) == len(sweeper.EMAIL_DELAYS_S) + 1
    assert recorder.got[0].subject == "Your password was changed"
