// Keyboard shortcuts of a page, and the list of them under "?".
import { listen } from "./state.js";
import { h } from "./dom.js";

/** @typedef {{key: string, label: string, run: (event: KeyboardEvent) => void}} Shortcut */

/** Where letters are text. @param {EventTarget | null} target */
const isTyping = (target) =>
  target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

/**
 * Shortcuts until the scope ends. Escape also works while typing.
 * @param {Shortcut[]} shortcuts
 */
export function shortcuts(shortcuts) {
  listen(document, "keydown", (/** @type {KeyboardEvent} */ event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (isTyping(event.target) && event.key !== "Escape") return;
    if (event.key === "?") return help(shortcuts);
    const found = shortcuts.find((one) => one.key === event.key);
    if (!found) return;
    event.preventDefault();
    found.run(event);
  });
}

/** @param {Shortcut[]} shortcuts */
function help(shortcuts) {
  const dialog = h("dialog", { class: "help", "aria-label": "Keyboard shortcuts", onclose: () => dialog.remove() },
    h("h2", null, "Keyboard"),
    h("dl", { class: "keys" }, shortcuts.map((one) => [h("dt", null, h("kbd", null, one.key === " " ? "space" : one.key)), h("dd", null, one.label)])),
    h("form", { method: "dialog" }, h("button", null, "Close")),
  );
  document.body.append(dialog);
  dialog.showModal();
}
