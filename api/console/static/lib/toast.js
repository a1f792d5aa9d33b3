// Short news at the foot of the page, with a way back where there is one.
import { h } from "./dom.js";

const LASTS_MS = 7000;
const MOST = 4;

/** @type {HTMLElement | null} */
let place = null;

function where() {
  if (!place?.isConnected) {
    place = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
    document.body.append(place);
  }
  return place;
}

/**
 * Says something for a few seconds. With `undo` it can be taken back as long as it stands there.
 * @param {string} text @param {{undo?: () => unknown, isBad?: boolean, action?: string}} [options]
 */
export function toast(text, options = {}) {
  const list = where();
  const { undo } = options;
  const gone = () => element.remove();
  const element = h("div", { class: ["toast", options.isBad && "bad"] },
    h("span", null, text),
    undo && h("button", { class: "link", onclick: () => (gone(), undo()) }, options.action ?? "Undo"),
    h("button", { class: "icon", "aria-label": "Close", onclick: gone }, "×"),
  );
  list.append(element);
  while (list.children.length > MOST) list.firstElementChild?.remove();
  setTimeout(gone, options.isBad ? LASTS_MS * 1.5 : LASTS_MS);
}

/**
 * Does something after a while in which it can be taken back: for what cannot be undone once the server has done it.
 * @param {string} text @param {() => unknown} work
 */
export function later(text, work) {
  const timer = setTimeout(work, LASTS_MS);
  toast(text, { undo: () => clearTimeout(timer) });
}
