// A button that does something at the server: busy meanwhile, never twice, and what goes wrong stands beside it.
import { signal } from "../lib/state.js";
import { h } from "../lib/dom.js";
import { trouble } from "../lib/view.js";

/**
 * @param {import("../lib/dom.js").Child} label @param {() => Promise<unknown>} work
 * @param {{class?: string, disabled?: () => boolean, failed?: (error: unknown) => void}} [options]
 */
export function deed(label, work, options = {}) {
  const isBusy = signal(false);
  const wrong = trouble();
  const run = async () => {
    if (isBusy.peek()) return;
    isBusy.set(true);
    wrong.set(null);
    try {
      await work();
    } catch (error) {
      wrong.set(error);
      options.failed?.(error);
    } finally {
      isBusy.set(false);
    }
  };
  return h("div", { class: "deed" },
    h("button", { type: "button", class: options.class, disabled: () => isBusy() || Boolean(options.disabled?.()), "aria-busy": () => String(isBusy()), onclick: run }, label),
    wrong.line);
}

/**
 * A panel that opens in its place. `isOpen` is given where the panel is made anew and must not shut by that.
 * @param {string} label @param {() => import("../lib/dom.js").Child} inside @param {string} [kind]
 * @param {import("../lib/state.js").Signal<boolean>} [isOpen]
 */
export function panel(label, inside, kind, isOpen = signal(false)) {
  return h("section", { class: "panel" },
    h("button", { type: "button", class: kind, "aria-expanded": () => String(isOpen()), onclick: () => isOpen.update((is) => !is) }, label),
    () => isOpen() && h("div", { class: "card stack" }, inside()));
}
