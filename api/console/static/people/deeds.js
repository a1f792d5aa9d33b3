// A button that does something at the server: busy meanwhile, never twice, and what goes wrong stands beside it.
import { onEnd, signal } from "../lib/state.js";
import { h } from "../lib/dom.js";
import { trouble } from "../lib/view.js";

/** The second tap of two is not meant for the button that has taken the place of the first one's. */
const SETTLE_MS = 700;
/** Whoever waits longer is told that they wait. */
const SLOW_MS = 4000;

/** How many deeds are being done, and when one ended last. */
let [underWay, ended_ms] = [0, -Infinity];

const isMoving = signal(false);
let still = 0;

/** What stands above buttons came or went by itself: none takes a press until whoever aims at it has seen that. */
export function moved() {
  isMoving.set(true);
  clearTimeout(still);
  still = setTimeout(() => isMoving.set(false), SETTLE_MS);
}

/** Whether a button that is drawn now may have come under a finger: it takes no press for a moment. */
function settling() {
  const is = signal(underWay > 0 || performance.now() - ended_ms < SETTLE_MS);
  if (is.peek()) {
    const timer = setTimeout(() => is.set(false), SETTLE_MS);
    onEnd(() => clearTimeout(timer));
  }
  return is;
}

/**
 * @param {import("../lib/dom.js").Child} label @param {() => Promise<unknown>} work
 * @param {{class?: string, disabled?: () => boolean, failed?: (error: unknown) => void}} [options]
 */
export function deed(label, work, options = {}) {
  const isBusy = signal(false);
  const isSlow = signal(false);
  const isSettling = settling();
  const wrong = trouble();
  const run = async () => {
    if (isBusy.peek()) return;
    isBusy.set(true);
    wrong.set(null);
    underWay++;
    const timer = setTimeout(() => isSlow.set(true), SLOW_MS);
    try {
      await work();
    } catch (error) {
      wrong.set(error);
      options.failed?.(error);
    } finally {
      clearTimeout(timer);
      underWay--;
      ended_ms = performance.now();
      isSlow.set(false);
      isBusy.set(false);
    }
  };
  return h("div", { class: "deed" },
    h("button", { type: "button", class: options.class, disabled: () => isBusy() || isSettling() || isMoving() || Boolean(options.disabled?.()), "aria-busy": () => String(isBusy()), onclick: run }, label),
    h("p", { class: "faint slow", role: "status" }, () => isSlow() && "Still waiting for an answer."), wrong.line);
}

/** A panel that opens in its place. @param {string} label @param {() => import("../lib/dom.js").Child} inside @param {string} [kind] */
export function panel(label, inside, kind) {
  const isOpen = signal(false);
  return h("section", { class: "panel" },
    h("button", { type: "button", class: kind, "aria-expanded": () => String(isOpen()), onclick: () => isOpen.update((is) => !is) }, label),
    () => isOpen() && h("div", { class: "card stack" }, inside()));
}
