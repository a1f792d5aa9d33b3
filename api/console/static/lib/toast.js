// Short news at the foot of the page, with a way back where there is one.
import { h } from "./dom.js";
import { sentenceOf } from "./problems.js";

const LASTS_MS = 7000;
const MOST = 4;

/** There before anything is said: what comes together with its place is not read out. */
const place = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
document.body.append(place);

/**
 * Says something for a few seconds. With `undo` it can be taken back as long as it stands there; `gone` is called once
 * when it went without that.
 * @param {string} text @param {{undo?: () => unknown, gone?: () => unknown, isBad?: boolean, action?: string}} [options]
 */
export function toast(text, options = {}) {
  const { undo, gone } = options;
  let isOver = false;
  /** @param {(() => unknown) | undefined} then */
  const leave = (then) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    leaving.delete(element);
    element.remove();
    then?.();
  };
  const element = h("div", { class: ["toast", options.isBad && "bad"] },
    h("span", null, text),
    undo && h("button", { class: "link", onclick: () => leave(undo) }, options.action ?? "Undo"),
    h("button", { class: "icon", "aria-label": "Close", onclick: () => leave(gone) }, "×"),
  );
  let timer = 0;
  // What can be taken back does not go under the hands of whoever is about to; other news may lie over a button.
  const hold = () => clearTimeout(timer);
  const go = () => {
    hold();
    if (!isOver) timer = setTimeout(() => leave(gone), options.isBad ? LASTS_MS * 1.5 : LASTS_MS);
  };
  for (const event of undo ? ["pointerenter", "focusin"] : ["focusin"]) element.addEventListener(event, hold);
  for (const event of undo ? ["pointerleave", "focusout"] : ["focusout"]) element.addEventListener(event, go);
  go();
  leaving.set(element, () => leave(gone));
  place.append(element);
  // The oldest makes room, but not under the hands of whoever is about to press on it.
  if (leaving.size > MOST) [...leaving].find(([one]) => one !== element && !one.matches(":hover, :focus-within"))?.[1]();
}

/** Says what went wrong. @param {unknown} error */
export const told = (error) => toast(sentenceOf(error), { isBad: true });

/**
 * Does something after a while in which it can be taken back: for what cannot be undone once the server has done it.
 * @param {string} text @param {() => unknown} work @param {() => unknown} [back] what was shown as done already
 */
export function later(text, work, back = () => null) {
  toast(text, { undo: back, gone: work });
}

/** Those that stand, the oldest first, with how they leave. @type {Map<Element, () => void>} */
const leaving = new Map();
// Whoever closes the page has not taken it back.
addEventListener("pagehide", () => [...leaving.values()].forEach((leave) => leave()));
