"""Web Push on the technician's page: it subscribes where the server has a key, and its worker shows what comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from dispatch.ports.web_push import public_key_of
from tests.api.live import Live, live_server
from tests.conftest import clone
from tests.console.browsing import PATIENCE_MS, visit

KEY = "B" * 43
ENDPOINT = "https://fcm.googleapis.com/fcm/send/one"
#: A push service of the page's own: browsers of tests have none. It keeps with which key it was asked.
SERVICE = """
  const page = %PAGE%;
  PushManager.prototype.getSubscription = async () => null;
  PushManager.prototype.subscribe = async (asked) => {
    window.askedWith = btoa(String.fromCharCode(...asked.applicationServerKey));
    return {toJSON: () => page};
  };
"""
ACTIVATED = """
  navigator.serviceWorker.ready.then(({ active }) => new Promise((done) => {
    const look = () => active.state === "activated" && done(true);
    active.addEventListener("statechange", look);
    look();
  }))
"""
#: `shown` holds once a notice stands: who is asked for its notices while one is being put up forgets that one.
LISTEN = """
  self.shown = new Promise((done, refuse) => {
    const show = registration.showNotification.bind(registration);
    registration.showNotification = (...given) => {
      const showing = show(...given);
      showing.then(() => done(true), refuse);
      return showing;
    };
  });
  null
"""
PAGE = {"endpoint": ENDPOINT, "keys": {"p256dh": public_key_of("C" * 43), "auth": "BTBZMqHH6r4Tts7J_aSIgg"}}


@pytest.fixture(scope="module")
async def live(pg_home: str, tmp_path_factory: pytest.TempPathFactory, browser: Any) -> AsyncIterator[Live]:
    folder = tmp_path_factory.mktemp("push")
    push = {"private_key": KEY, "contact": "mailto:ops@example.com"}
    async with live_server(await clone(pg_home), folder, technicians=1, customers=0, push=push) as made:
        yield made


def _is_subscription(response: Any) -> bool:
    return bool(response.url.endswith("/push-subscriptions") and response.request.method == "PUT")


async def test_it_subscribes_and_its_worker_shows_what_comes(live: Live, browser: Any) -> None:
    async with visit(browser, live.url, is_phone=True, permissions=["notifications"]) as seen:
        await seen.context.add_init_script(SERVICE.replace("%PAGE%", orjson.dumps(PAGE).decode()))
        await seen.sign_in("technician", await live.pair("technician", "PT-001"))
        async with seen.context.expect_event("response", _is_subscription) as caught:
            page = await seen.open("/technician")
        assert (await caught.value).status == 200
        asked = (await page.evaluate("window.askedWith")).rstrip("=").replace("+", "-").replace("/", "_")
        assert asked == public_key_of(KEY)

        # Ready is said of a worker that is still activating.
        await page.evaluate(ACTIVATED)
        worker = next(one for one in seen.context.service_workers if one.url.endswith("/technician-worker.js"))
        await worker.evaluate(LISTEN)
        devtools = await seen.context.new_cdp_session(page)
        registrations: list[dict[str, Any]] = []
        devtools.on("ServiceWorker.workerRegistrationUpdated", lambda told: registrations.extend(told["registrations"]))
        await devtools.send("ServiceWorker.enable")
        # It is told right after the answer.
        while not registrations:
            await page.evaluate("new Promise((done) => setTimeout(done, 20))")
        push = {"title": "New Job Offer", "message": "Booking BK-1 at 10:00", "type": "offer_made", "booking_id": "b1"}
        told = {"origin": live.url, "registrationId": registrations[0]["registrationId"]}
        await devtools.send("ServiceWorker.deliverPushMessage", {**told, "data": orjson.dumps(push).decode()})
        async with asyncio.timeout(PATIENCE_MS / 1000):
            await worker.evaluate("self.shown")
        shown = await page.evaluate(
            "navigator.serviceWorker.ready.then((r) => r.getNotifications()).then((all) =>"
            " all.map((one) => [one.title, one.body, one.tag]))"
        )
        assert shown == [["New Job Offer", "Booking BK-1 at 10:00", "offer"]]
        await seen.check()
