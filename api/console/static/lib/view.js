// A view and its five states: loading, empty, an error with a way on, offline, and no permission.
import { computed, effect, every, listen, onEnd, scoped, signal } from "./state.js";
import { fill, h } from "./dom.js";
import { isReachable, Problem, SignedOut, Unreachable } from "./api.js";
import { redrawn } from "./redrawn.js";
import { duration } from "./format.js";
import { isPassing, sentenceOf } from "./problems.js";

/** @typedef {import("./dom.js").Child} Child */

/** @param {string} title @param {string} [text] @param {Child} [more] */
export const empty = (title, text, more) => h("div", { class: "state" }, h("p", { class: "state-title" }, title), text && h("p", null, text), more);

export const loading = () => h("div", { class: "state", role: "status", "aria-label": "Loading" }, h("span", { class: "bar" }), h("span", { class: "bar short" }), h("span", { class: "bar" }));

/** The longest between two tries. */
const LONGEST_WAIT_S = 30;
/** How often to look whether somebody is done with what they had begun. */
const HANDS_MS = 1000;

/**
 * Does something again, once: after a while, which grows with the number of tries, or as soon as the server is reached
 * or the page is looked at again. Gives what does it now.
 * @param {() => void} again @param {number} tries @param {unknown} error what went wrong; it may say how long to wait
 */
export function soonAgain(again, tries, error) {
  const least_s = (error instanceof Problem && error.retry_after_s) || 0;
  const wait_s = Math.max(least_s, Math.min(LONGEST_WAIT_S, 2 ** tries));
  const wasReachable = isReachable.peek();
  const [, stop] = scoped(() => {
    // Not all at once, when the server has been away for everybody.
    const timer = setTimeout(now, wait_s * (1000 + 250 * Math.random()));
    onEnd(() => clearTimeout(timer));
    listen(document, "visibilitychange", () => !document.hidden && now());
    effect(() => isReachable() && !wasReachable && now());
  });
  onEnd(stop);
  function now() {
    stop();
    again();
  }
  return now;
}

/**
 * What went wrong, and the way on. With the number of `tries` so far it is asked again by itself, where that may help.
 * @param {unknown} error @param {() => void} [again] @param {number} [tries]
 */
export function failed(error, again, tries = 0) {
  if (error instanceof SignedOut) return empty("You are signed out", "Sign in again to go on.");
  if (error instanceof Problem && error.status === 403) return noPermission();
  const title = error instanceof Unreachable ? "No connection" : error instanceof Problem && error.status === 404 ? "Not found" : "That did not work";
  if (!(error instanceof Problem || error instanceof Unreachable)) console.error(error);
  const now = again && tries && isPassing(error) ? soonAgain(again, tries, error) : null;
  return h("div", { class: "state", role: "alert" }, h("p", { class: "state-title" }, title), h("p", null, sentenceOf(error), now && " This page keeps trying by itself."),
    now ? h("button", { onclick: now }, "Try now") : again && h("button", { onclick: again }, "Try again"));
}

/** What went wrong with a deed, for a line beside it. That the server cannot be reached goes as soon as it can be. */
export function trouble() {
  const error = signal(/** @type {unknown} */ (null));
  effect(() => isReachable() && error.peek() instanceof Unreachable && error.set(null));
  return { set: error.set, line: () => error() && h("p", { class: "problem", role: "alert" }, sentenceOf(error())) };
}

export const noPermission = () => empty("Not for your role", "Your role does not open this. Somebody who manages staff can change that.");

/**
 * A place that loads something and shows it, and follows signals that `load` reads. Reload with the second of what is
 * given: what was shown stays meanwhile, and with a word of it where that fails for a moment. What somebody begins in it
 * meanwhile (`data-begun`) stays too: it is read once they are done. The third reads anew like that from the beginning, and
 * so does the view by itself after an outage, unless it `isLasting`: what does not age. `first` is shown until it is read.
 * @template T
 * @param {(abort: AbortSignal) => Promise<T>} load
 * @param {(data: T) => Child} render
 * @param {{class?: string, isLasting?: boolean, first?: T}} [options]
 * @returns {[HTMLElement, () => void, () => void]}
 */
export function view(load, render, options = {}) {
  const place = h("section", { class: ["view", options.class], "aria-busy": "true" }, loading());
  const turn = signal(0);
  /** @type {(() => void) | null} */
  let end = null;
  const again = () => turn.update((n) => n + 1);
  let tries = 0;
  // Whether what is shown answers what is asked, and why that may be old.
  let [lastTurn, isAnswered] = [-1, false];
  const old = signal(/** @type {unknown} */ (null));
  const begun = () => [...place.querySelectorAll("[data-begun]")];
  let waiting = 0;
  onEnd(() => clearTimeout(waiting));
  /** Not under the hands of somebody: once they are done. */
  function quietly() {
    clearTimeout(waiting);
    if (begun().length) waiting = setTimeout(quietly, HANDS_MS);
    else again();
  }
  const note = () => old() && (soonAgain(quietly, ++tries, old()), h("p", { class: "notice warn", role: "status" }, sentenceOf(old()), " What you see may be old."));
  effect(() => {
    const isSame = turn() !== lastTurn;
    if (!isSame) isAnswered = false;
    lastTurn = turn.peek();
    clearTimeout(waiting);
    const before = new Set(begun());
    const abort = new AbortController();
    onEnd(() => abort.abort());
    place.setAttribute("aria-busy", "true");
    /** Whether the answer is not to be drawn: nobody waits for it, or it is no other than before and somebody has begun something since. */
    const isLate = () => {
      if (abort.signal.aborted) return true;
      if (!isSame || begun().every((one) => before.has(one))) return false;
      place.setAttribute("aria-busy", "false");
      quietly();
      return true;
    };
    load(abort.signal).then(
      (data) => {
        if (isLate()) return;
        tries = 0;
        isAnswered = true;
        old.set(null);
        show(() => [note, render(data)]);
      },
      (error) => {
        if (isLate()) return;
        isAnswered &&= isPassing(error);
        if (!isAnswered) return show(() => failed(error, again, ++tries));
        old.set(error);
        place.setAttribute("aria-busy", "false");
      },
    );
  });
  onEnd(() => end?.());
  if (options.first !== undefined) {
    const { first } = options;
    isAnswered = true;
    show(() => [note, render(first)]);
  }

  /** @param {() => Child} work */
  function show(work) {
    redrawn(place, () => {
      end?.();
      [, end] = scoped(() => fill(place, work()));
    });
    place.setAttribute("aria-busy", "false");
  }
  // Back on the line, what was read before may be old; what failed asks again by itself.
  let wasReachable = isReachable.peek();
  effect(() => {
    const is = isReachable();
    if (is && !wasReachable && !tries && !options.isLasting) quietly();
    wasReachable = is;
  });
  return [place, again, quietly];
}

/**
 * "Live", or "Reconnecting, last news 12 s ago", which is seen and not read out by the second.
 * @param {import("./socket.js").Socket | null} socket
 */
export function connectionState(socket) {
  const tick = signal(0);
  every(1000, () => tick.update((n) => n + 1));
  const standing = computed(() => (socket ? socket.standing() : isReachable() ? "live" : "waiting"));
  const text = () => {
    const is = standing();
    if (is === "live") return "Live";
    if (is === "refused") return socket?.problem() || "Not connected";
    if (is === "connecting") return "Connecting";
    return socket ? "Reconnecting" : "Offline";
  };
  const age = () => socket && text() === "Reconnecting" && (tick(), `, last news ${duration((Date.now() - socket.lastNews_ms()) / 1000)} ago`);
  return h("span", { class: () => ["connection", standing()] }, h("span", { class: "dot", "aria-hidden": "true" }), h("span", { class: "connection-text" }, h("span", { role: "status" }, text), h("span", { class: "wide-only" }, age)));
}
