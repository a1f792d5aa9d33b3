"""The bench part of the pages: the operations board in a real browser, with 5,000 technicians who move."""

from __future__ import annotations

import asyncio
import math
import os
import shutil
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from dispatch.bench.figures import Figure
from dispatch.bench.processes import LOAD_CORE, SERVER_CORE, NotMeasurable, on_core
from dispatch.bench.stage import Server, Stage
from storage import roster
from storage.database.pool import create_pool

TECHNICIANS = 5_000
#: All of them move so far, in degrees of latitude, each second (about 10 m).
STEP_DEG = 0.0001
WARM_S, DRAWN_S = 8, 12
_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
_SIZE = {"width": 1280, "height": 800}
_PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
_LIVE = """() => document.querySelector('.count-all')?.innerText.startsWith('%s') && performance.now()"""
_DRAWS = "[...document.querySelectorAll('.map-canvas')].map(canvas => canvas.took_ms.splice(0))"
_SIGN_IN = """async name => {
  const answer = await fetch('/console/people', {method: 'POST', headers: {'Content-Type': 'application/json'},
                                                 body: JSON.stringify({kind: 'admin', name})});
  localStorage.setItem('dispatch.session.admin', JSON.stringify({...(await answer.json()).data, got_ms: Date.now()}));
}"""


def part(stage: Stage) -> list[Figure]:
    """First paint, time until the board is live, draws of the map, bytes of the socket. Raises NotMeasurable."""
    chromium = os.environ.get("DISPATCH_TEST_CHROMIUM") or shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise NotMeasurable("playwright is not installed") from None
    if chromium is None:
        raise NotMeasurable("there is no chromium")
    count = min(stage.few(TECHNICIANS), len(stage.people.technician_ids))
    with stage.serve({}) as server, _moving(stage, server, count), sync_playwright() as playwright:
        # The browser does not share the server's core.
        on_core(LOAD_CORE)()
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_ARGUMENTS))
        painted, live = [], []
        for _ in range(stage.rounds):
            paint_ms, live_ms, draws, sizes = _visit(browser, stage, server, count)
            painted.append(paint_ms)
            live.append(live_ms)
        browser.close()
        on_core(SERVER_CORE)()
    at_once = [sum(layers) for layers in zip(*draws, strict=False)]
    note = f"{count:,} technicians on a map of 1280x800, nobody clustered"
    return [
        Figure("pages", "first paint of /ops", "ms", statistics.median(painted), wanted="<= 1000"),
        Figure("pages", "live after opening /ops", "ms", statistics.median(live), wanted="<= 3000", note=note),
        Figure("pages", "a draw of the map p95", "ms", _p95(draws[-1]), wanted="<= 16", note=note),
        Figure("pages", "all layers while it is dragged p95", "ms", _p95(at_once), note=note),
        Figure("pages", "socket, per second", "KB", sum(sizes) / 1000 / DRAWN_S, note="everybody moves every second"),
    ]


def _visit(browser: Any, stage: Stage, server: Server, count: int) -> tuple[float, float, list[list[float]], list[int]]:
    """(first paint, live, draws of each layer, bytes of each frame while it was drawn), with nothing cached."""
    context = browser.new_context(viewport=_SIZE)
    page = context.new_page()
    page.goto(f"{server.url}/docs/assets/page.css")
    page.evaluate(_SIGN_IN, "admin@example.com")
    lats, lngs = zip(*((lat, lng) for _, lat, lng in stage.people.technicians[:count]), strict=True)
    place = {"lat": statistics.mean(lats), "lng": statistics.mean(lngs), "zoom": 11.5}
    page.evaluate("place => localStorage.setItem('dispatch.ops.place', JSON.stringify(place))", place)
    sizes: list[int] = []
    page.on("websocket", lambda ws: ws.on("framereceived", lambda frame: sizes.append(len(frame))))
    page.goto(f"{server.url}/ops")
    live_ms = page.wait_for_function(_LIVE % f"{count:,}", polling=50).json_value()
    paint_ms = page.evaluate(_PAINTED)
    page.wait_for_timeout(WARM_S * 1000)
    page.evaluate(_DRAWS)
    sizes.clear()
    _drag(page)
    draws: list[list[float]] = page.evaluate(_DRAWS)
    context.close()
    return paint_ms, live_ms, draws, list(sizes)


def _drag(page: Any) -> None:
    """Pulls the map about without end, so that every frame is drawn."""
    x, y = _SIZE["width"] // 2, _SIZE["height"] // 2
    page.mouse.move(x, y)
    page.mouse.down()
    for n in range(DRAWN_S * 20):
        page.mouse.move(x + 80 * math.sin(n / 6), y + 60 * math.cos(n / 6))
        page.wait_for_timeout(50)
    page.mouse.up()


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1] if len(values) > 1 else math.nan


@contextmanager
def _moving(stage: Stage, server: Server, count: int) -> Iterator[None]:
    """Everybody moves every second, as another node would tell it: through the saved positions."""
    stop = threading.Event()
    ids = [UUID(one) for one in stage.people.technician_ids[:count]]
    bases = [(lat, lng) for _, lat, lng in stage.people.technicians[:count]]

    async def move() -> None:
        pool, node_id, n = await create_pool(server.dsn, min_size=1, max_size=1), uuid4(), 0
        while not stop.is_set():
            n += 1
            now = [datetime.now(UTC)] * count
            async with pool.connection() as conn:
                await roster.save_positions(
                    conn, node_id=node_id, ids=ids, lats=[lat + STEP_DEG * (n % 100) for lat, _ in bases],
                    lngs=[lng for _, lng in bases], accuracies=[8.0] * count, fixes=now, fit=[True] * count,
                )  # fmt: skip
            await asyncio.sleep(1.0)
        await pool.close()

    thread = threading.Thread(target=lambda: asyncio.run(move()), name="movers", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
