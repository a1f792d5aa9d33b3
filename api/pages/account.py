"""The page that links of letters lead to: a first password, an invitation, a new address, a reset."""

from __future__ import annotations

from aiohttp import web

from api.console.assets import assets

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Your account</title>
<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">
<link rel="stylesheet" href="{tokens}"><link rel="stylesheet" href="/account-page/page.css"></head>
<body><main><h1 id="title">Your account</h1><p id="words" role="status">One moment.</p>
<form id="form" hidden><label for="password">New password</label>
<input id="password" type="password" autocomplete="new-password" minlength="8" maxlength="128" required>
<button type="submit">Continue</button></form>
<noscript>This page needs JavaScript.</noscript></main>
<script src="/account-page/page.js"></script></body></html>"""

#: In the colours and sizes of the other pages.
_STYLE = """
body { background: var(--ground); color: var(--text); font: var(--t-l)/1.5 var(--font); margin: 0;
  padding: 0 var(--s4); }
main { background: var(--surface); border-radius: var(--radius); box-shadow: var(--shadow); margin: 12vh auto 0;
  max-width: 24rem; padding: var(--s8); }
h1 { font-size: var(--t-xl); margin-top: 0; } #words { color: var(--text-2); overflow-wrap: anywhere; }
label { display: block; font-weight: 600; margin-top: var(--s5); }
input, button { border-radius: var(--radius-s); box-sizing: border-box; display: block; font: inherit;
  margin-top: var(--s2); min-height: 44px; padding: var(--s2) var(--s3); width: 100%; }
input { background: var(--surface); border: 1px solid var(--line-strong); color: var(--text); }
button { background: var(--accent); border: 0; color: var(--on-accent); cursor: pointer; font-weight: 600;
  margin-top: var(--s4); }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; } button:disabled { opacity: .6; }
"""

_SCRIPT = """
"use strict";
const token = decodeURIComponent(location.pathname.split("/").pop());
const words = document.getElementById("words"), form = document.getElementById("form");
const button = form.querySelector("button");
async function ask(path, body) {
  const reply = await fetch("/api/auth/" + path, {
    method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
  const answer = await reply.json();
  if (!reply.ok) throw new Error(answer.message || "That did not work; please try again.");
  return answer;
}
const fail = (error) => { words.textContent = error.message; };
const done = (answer) => { form.hidden = true; words.textContent = answer.message; };
ask("link", {token}).then(({data}) => {
  if (data.kind === "email") {
    return ask("verify-email", {token}).then(done);
  }
  words.textContent = data.partyName
    ? "You are invited to " + data.partyName + ". Choose a password for " + data.email + "."
    : "Choose a password for " + data.email + ".";
  form.hidden = false;
}).catch(fail);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  button.disabled = true;
  ask("set-password", {token, password: document.getElementById("password").value}).then(done).catch((error) => {
    button.disabled = false;
    fail(error);
  });
});
"""

_FILES = {"page.css": (_STYLE, "text/css"), "page.js": (_SCRIPT, "text/javascript")}


def _text(text: str, kind: str) -> web.Response:
    # The token is in the page's address: it goes nowhere else, and nobody keeps it.
    headers = {"Content-Security-Policy": _CSP, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return web.Response(text=text, content_type=kind, headers=headers)


async def page(request: web.Request) -> web.Response:
    """The same for every token, also for one that is none: only asking tells."""
    return _text(_PAGE.format(tokens=assets().url("lib/tokens.css", "")), "text/html")


async def asset(request: web.Request) -> web.Response:
    found = _FILES.get(request.match_info["name"])
    if found is None:
        raise web.HTTPNotFound
    return _text(*found)


def add_account_page(app: web.Application) -> None:
    app.router.add_get("/account/{token}", page)
    app.router.add_get("/account-page/{name}", asset)
