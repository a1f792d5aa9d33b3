// Following a visit by a link: where the technician is, when they will be there, the steps; for whoever has the link.
import { boot, setNow } from "../lib/boot.js";
import { client, Problem } from "../lib/api.js";
import { effect, every, listen, scoped, signal } from "../lib/state.js";
import { fill, h } from "../lib/dom.js";
import { empty, failed, loading } from "../lib/view.js";
import { duration, visitTime } from "../lib/format.js";
import { isPassing, sentenceOf } from "../lib/problems.js";
import { etaLine, followMap } from "../people/followmap.js";
import { statusWord, STEP_WORDS, steps } from "../people/common.js";

/** How often to look, in milliseconds: while somebody drives, else, and while nobody looks at the page. */
const MOVING_MS = 6000;
const WAITING_MS = 20_000;
const HIDDEN_MS = 60_000;
const LONGEST_MS = 60_000;

const OVER = new Set(["completed", "cancelled"]);

const token = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
const api = client(null);

/** @type {import("../lib/state.js").Signal<any>} */
const visit = signal(null);
const trouble = signal("");
const lastNews_ms = signal(performance.now());
let timer = 0;
let wait_ms = MOVING_MS;
let looks = 0;

async function look() {
  clearTimeout(timer);
  // Of two that are under way the later one counts, and goes on.
  const mine = ++looks;
  try {
    const found = await api.get(`/v1/track/${encodeURIComponent(token)}`);
    if (mine !== looks) return;
    setNow(found.now);
    lastNews_ms.set(performance.now());
    trouble.set("");
    visit.set(found);
    if (OVER.has(found.status)) return;
    wait_ms = document.hidden ? HIDDEN_MS : found.position || found.status === "in_transit" ? MOVING_MS : WAITING_MS;
  } catch (error) {
    if (mine !== looks) return;
    if (error instanceof Problem && (error.status === 404 || error.status === 410)) return over(error);
    if (visit.peek() === null && !isPassing(error)) return put(() => failed(error, look));
    trouble.set(sentenceOf(error));
    if (visit.peek() === null) put(() => failed(error, look));
    wait_ms = Math.min(LONGEST_MS, error instanceof Problem && error.retry_after_s ? error.retry_after_s * 1000 : wait_ms * 1.7);
  }
  timer = setTimeout(look, wait_ms);
}

/** @type {(() => void) | null} */
let end = null;
/** @param {() => import("../lib/dom.js").Child} work */
function put(work) {
  end?.();
  [, end] = scoped(() => fill(root,
    h("header", { class: "top" }, h("span", { class: "brand" }, boot.brand, h("span", { class: "brand-page" }, "Follow a visit"))),
    h("main", { class: "page narrow stack", id: "main" }, work())));
}

/** @param {Problem} error */
function over(error) {
  visit.set(null);
  const title = error.code === "link_expired" ? "This link has expired" : error.code === "link_revoked" ? "This link was taken back" : "There is no such link";
  put(() => empty(title, error.code === "not_found" ? "Look whether the whole address was copied, or ask for a new link." : error.message));
}

function shown() {
  const status = () => visit()?.status ?? "";
  const position = signal(/** @type {any} */ (null));
  effect(() => position.set(visit()?.position ?? null));
  const tick = signal(0);
  every(1000, () => tick.update((n) => n + 1));
  const isMoving = signal(false);
  effect(() => isMoving.set(Boolean(visit()?.position)));
  return [
    h("div", { class: "stack" },
      h("div", null, h("h1", null, () => STEP_WORDS[status()] ?? statusWord(status())), h("p", { class: "lead" }, () => {
        const one = visit();
        if (!one) return "";
        if (one.status === "completed") return "The visit is over. There is nothing more to follow.";
        if (one.status === "cancelled") return "The visit does not take place.";
        return ["Planned for ", h("time", null, visitTime(one.starts_at, one.timezone))];
      })),
      () => trouble() && h("p", { class: "notice warn" }, h("span", { role: "status" }, trouble()), () => (tick(), ` Last news ${duration((performance.now() - lastNews_ms()) / 1000)} ago; trying again.`)),
      () => (isMoving() ? h("div", { class: "card stack" }, etaLine(position, status), h("div", { class: "map-frame" }, followMap(position, null))) : null),
      () => !isMoving() && status() === "in_transit" && h("div", { class: "card" }, etaLine(position, status)),
      () => !isMoving() && ["booked", "accepted"].includes(status()) && h("p", { class: "notice" }, "The map appears here as soon as the technician is on the way."),
      h("section", { class: "card" }, h("h2", null, "Steps"), () => {
        const one = visit();
        return one && steps(one.steps.map((/** @type {any} */ s) => ({ label: STEP_WORDS[s.step] ?? statusWord(s.step), at: s.at, isReached: Boolean(s.at) })), one.timezone);
      }),
      h("p", { class: "faint" }, () => visit() && `Only whoever has this link sees this page. It works until ${visitTime(visit().expires_at, visit().timezone)}.`),
    ),
  ];
}

document.body.dataset.kind = "visitor";
put(loading);
let isShown = false;
effect(() => {
  const is = visit() !== null;
  if (is && !isShown) put(shown);
  isShown = is;
});
scoped(() => {
  listen(document, "visibilitychange", () => !document.hidden && visit.peek() && !OVER.has(visit.peek().status) && void look());
  listen(window, "online", () => void look());
});
void look();
