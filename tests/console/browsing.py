"""The pages in a real browser: what every page keeps to, checked while it is used."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from aiohttp import ClientSession

#: Debian's; another is taken where it is named.
CHROMIUM = os.environ.get("DISPATCH_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
#: What a page may weigh in scripts of our own, in bytes as they are written.
MOST_OWN_CODE = 150_000
#: Elements appear as soon as the server answers; the bound only ends a test that has failed.
PATIENCE_MS = 60_000
#: Where pictures of pages are put when they are wanted; those of the README are chosen from them.
PICTURES = os.environ.get("DISPATCH_TEST_PICTURES")

_PHONE = {"width": 390, "height": 844}
_DESK = {"width": 1280, "height": 800}
#: Problems that stop people, as axe rates them.
_GRAVE = frozenset({"serious", "critical"})


def why_not() -> str | None:
    """Why the pages cannot be tested here; None when they can."""
    if CHROMIUM is None:
        return "needs Chromium: apt-get install chromium, or name one in DISPATCH_TEST_CHROMIUM"
    try:
        import axe_playwright_python.base  # noqa: F401
        import playwright.async_api  # noqa: F401
        import xstatic.pkg.leaflet  # noqa: F401
    except ImportError as e:
        return f"needs the packages of the extra dev: {e.name} is missing"
    return None


@dataclass
class Visit:
    """One person's browser (a context of their own) on one server, and everything that a page must not do."""

    context: Any
    url: str
    wrong: list[str] = field(default_factory=list)
    #: Scripts of ours that were loaded, with their bytes.
    scripts: dict[str, int] = field(default_factory=dict)
    #: Addresses of other servers that a page leads to on purpose.
    friends: frozenset[str] = frozenset()

    async def open(self, path: str) -> Any:
        """A new tab on a page. What it does wrong is kept in `wrong`."""
        page = await self.context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        page.on("request", self._request)
        page.on("response", self._response)
        await page.goto(self.url + path)
        return page

    def _console(self, message: Any) -> None:
        # What the browser says of a refused request or a lost socket is news for the page, not an error of it.
        if message.type == "error" and not any(word in message.text for word in ("Failed to load", "WebSocket")):
            self.wrong.append(f"console: {message.text}")

    def _request(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc not in self._known():
            self.wrong.append(f"outside request: {request.url}")
        if "token=" in request.url or "eyJ" in request.url:
            self.wrong.append(f"a token in an address: {request.url[:80]}")

    def _known(self) -> set[str]:
        return {urlsplit(url).netloc for url in (self.url, *self.friends)}

    def _response(self, response: Any) -> None:
        path = urlsplit(response.url).path
        if path.startswith("/assets/") and path.endswith(".js") and "/leaflet/" not in path:
            self.scripts[path] = 0

    async def check(self) -> None:
        """Fails for console errors, requests to elsewhere, violations of the policy, and too much code."""
        assert self.wrong == []
        async with ClientSession() as http:
            for path in self.scripts:
                async with http.get(self.url + path) as answer:
                    self.scripts[path] = len(await answer.read())
        assert sum(self.scripts.values()) < MOST_OWN_CODE, self.scripts

    async def sign_in(self, kind: str, pair: Any, name: str = "Somebody") -> None:
        """As if somebody of this kind (`admin`, `technician`, `customer`) had signed in before: all tabs know."""
        held = {
            "access_token": pair.access_token, "refresh_token": pair.refresh_token, "expires_in": pair.expires_in,
            "name": name,
        }  # fmt: skip
        await self.context.add_init_script(
            f"if (!sessionStorage.getItem('seeded.{kind}')) {{ sessionStorage.setItem('seeded.{kind}', '1');"
            f" localStorage.setItem('dispatch.session.{kind}',"
            f" JSON.stringify({{...{orjson.dumps(held).decode()}, got_ms: Date.now()}})); }}"
        )


@asynccontextmanager
async def visit(browser: Any, url: str, **options: Any) -> AsyncIterator[Visit]:
    """A context of its own on this server: `is_phone` for 390 px and touch, `is_dark`, `friends` where it may lead, and
    options of Playwright."""
    friends = frozenset(options.pop("friends", ()))
    is_phone, is_dark = options.pop("is_phone", False), options.pop("is_dark", False)
    options = {"timezone_id": "Asia/Kolkata", **options}
    context = await browser.new_context(
        viewport=_PHONE if is_phone else _DESK, has_touch=is_phone, is_mobile=is_phone, reduced_motion="reduce",
        color_scheme="dark" if is_dark else "light", locale="en-IN", **options,
    )  # fmt: skip
    made = Visit(context, url, friends=friends)
    await context.add_init_script(
        "addEventListener('securitypolicyviolation', e => console.error("
        "'policy violated: ' + e.violatedDirective + ' ' + e.blockedURI))"
    )
    try:
        yield made
    finally:
        await context.close()


@dataclass
class Held:
    """Requests on their way: the first of them has come, they may go, the first is answered."""

    came: asyncio.Event = field(default_factory=asyncio.Event)
    may_go: asyncio.Event = field(default_factory=asyncio.Event)
    answered: asyncio.Event = field(default_factory=asyncio.Event)


async def held(where: Any, path: str, method: str = "GET", *, is_done: bool = False, is_first: bool = False) -> Held:
    """Requests like this of a page or a context wait until they may go; with `is_done` the server has done them, and
    only its answers wait; with `is_first` only the first waits."""
    late = Held()

    async def wait(route: Any) -> None:
        if route.request.method != method or (is_first and late.came.is_set()):
            return await route.fallback()
        answer = await route.fetch() if is_done else None
        late.came.set()
        await late.may_go.wait()
        await (route.continue_() if answer is None else route.fulfill(response=answer))
        return late.answered.set()

    await where.route(path, wait)
    return late


async def until(page: Any, promised: str) -> Any:
    """Asks until what this expression promises is true, and gives it: Playwright's own waits look at the promise."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while not (found := await page.evaluate(promised)):
            await page.wait_for_timeout(50)
    return found


def expects(element: Any) -> Any:
    """What is asked of it is waited for: a look at once (`is_checked`, `count`) tells of a page that is still being
    drawn."""
    from playwright.async_api import expect

    expect.set_options(timeout=PATIENCE_MS)
    return expect(element)


async def texts(elements: Any) -> list[str]:
    """What each of them says, once the first is there: for those that are drawn together."""
    await elements.first.wait_for(state="attached")
    return list(await elements.all_inner_texts())


async def grave_problems(page: Any) -> list[str]:
    """What axe finds on a page that keeps people out: rule, and the elements."""
    from axe_playwright_python.base import AXE_SCRIPT

    await page.evaluate(AXE_SCRIPT)
    found = await page.evaluate("axe.run({resultTypes: ['violations']})")
    return [
        f"{v['id']}: {v['help']}: {[n['html'][:120] for n in v['nodes'][:3]]}"
        for v in found["violations"] if v["impact"] in _GRAVE
    ]  # fmt: skip


async def pictures(page: Any, name: str) -> None:
    """The page in light, dark and at 390 px, where DISPATCH_TEST_PICTURES names a folder."""
    if not PICTURES:
        return
    for suffix, scheme, size in (("light", "light", _DESK), ("dark", "dark", _DESK), ("390", "light", _PHONE)):
        await page.emulate_media(color_scheme=scheme)
        await page.set_viewport_size(size)
        await page.wait_for_timeout(300)
        await page.screenshot(path=Path(PICTURES) / f"{name}.{suffix}.png")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(_DESK)
