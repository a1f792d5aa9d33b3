// Keeps the technician's page for when there is no network: the shell and its scripts only, never an answer.

const worker = /** @type {any} */ (self);
const KEPT = "dispatch-technician";
const SHELL = "/technician";
const PATIENCE_MS = 4000;
/** When the shell was kept, by the phone's clock. */
const KEPT_AT = "X-Kept-Ms";

worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(keepShell().catch(() => null).then(() => worker.skipWaiting())));
worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== worker.location.origin) return;
  if (request.mode === "navigate" && (url.pathname === SHELL || url.pathname.startsWith(`${SHELL}/`))) event.respondWith(shell(request));
  else if (url.pathname.startsWith("/assets/")) event.respondWith(asset(request));
});

worker.addEventListener("notificationclick", (/** @type {any} */ event) => {
  event.notification.close();
  event.waitUntil(worker.clients.matchAll({ type: "window" }).then((/** @type {any[]} */ open) => {
    const page = open.find((one) => isShell(new URL(one.url).pathname));
    if (!page) return worker.clients.openWindow(SHELL);
    if (event.notification.tag === "offer") page.postMessage("offer");
    return page.focus();
  }));
});

// A push while the page is closed, or beside it: one notice for offers, one for each booking's other news.
worker.addEventListener("push", (/** @type {any} */ event) => {
  let told = { title: "", message: "", type: "", booking_id: "" };
  try {
    told = { ...told, ...event.data.json() };
  } catch {
    // Browsers want a notice for every push, also for one that nobody can read.
  }
  const isOffer = told.type === "offer_made";
  event.waitUntil(worker.registration.showNotification(told.title || "News for you", { body: told.message, tag: isOffer ? "offer" : told.booking_id || "news", renotify: true, requireInteraction: isOffer }));
});

/** @param {string} path */
function isShell(path) {
  return path === SHELL || path.startsWith(`${SHELL}/`);
}

/** The page and what it names; what it no longer names goes. */
async function keepShell() {
  const answer = await fetch(SHELL, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new Error("no shell");
  await keep(answer);
}

/** @param {Response} answer */
async function keep(answer) {
  const html = await answer.clone().text();
  const named = new Set([...html.matchAll(/"(\/assets\/[^"]+\.[0-9a-f]{12}\.[a-z]+)"/g)].map((found) => found[1]));
  const cache = await caches.open(KEPT);
  for (const request of await cache.keys()) {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/assets/") && !named.has(pathname)) await cache.delete(request);
    else named.delete(pathname);
  }
  await cache.addAll([...named].map(String));
  const headers = new Headers(answer.headers);
  headers.set(KEPT_AT, String(Date.now()));
  await cache.put(SHELL, new Response(html, { headers }));
}

/** The shell as it was kept, but for the server's time that it tells: that has gone on since. @param {Response} kept */
async function shellNow(kept) {
  const html = await kept.text();
  const since_ms = Math.max(0, Date.now() - Number(kept.headers.get(KEPT_AT) ?? Date.now()));
  const speed = Number(/"speed":([\d.]+)/.exec(html)?.[1] ?? 1);
  const told = html.replace(/"now_ms":(\d+)/, (_, then_ms) => `"now_ms":${Math.round(Number(then_ms) + since_ms * speed)}`);
  return new Response(told, { headers: kept.headers });
}

/** @param {Request} request */
async function shell(request) {
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok) void keep(answer.clone()).catch(() => null);
    return answer;
  } catch (error) {
    const kept = await caches.match(SHELL);
    if (kept) return shellNow(kept);
    throw error;
  }
}

/** @param {Request} request */
async function asset(request) {
  const kept = await caches.match(request);
  return kept ?? fetch(request);
}
