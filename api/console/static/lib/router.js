// Views by address within a page: a list of patterns, the first that fits is shown.
import { go, place } from "./address.js";
import { effect, listen, onEnd, scoped, signal } from "./state.js";
import { fill, h } from "./dom.js";
import { empty } from "./view.js";

/** @typedef {{pattern: string, title?: string, show: (values: Record<string, string>, query: URLSearchParams) => import("./dom.js").Child}} ViewRow */

/**
 * The views under a path of the page, such as "/admin": patterns like "/bookings/:id". A click on a link within is a
 * change of view.
 * @param {string} base @param {ViewRow[]} views
 */
export function router(base, views) {
  const main = h("main", { class: "page", id: "main", tabindex: "-1" });
  listen(document, "click", (/** @type {MouseEvent} */ event) => {
    const link = /** @type {Element} */ (event.target).closest?.("a[href]");
    if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (link.pathname !== base && !link.pathname.startsWith(base + "/")) return;
    // A place on this page, such as that of "To the content".
    if (link.hash && link.pathname === location.pathname) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
  const path = signal(pathOf(place.peek()));
  effect(() => path.set(pathOf(place())));
  /** @type {(() => void) | null} */
  let end = null;
  effect(() => {
    const rest = path().slice(base.length).replace(/\/$/, "") || "/";
    for (const view of views) {
      const values = fits(view.pattern, rest);
      if (!values) continue;
      end?.();
      if (view.title) document.title = view.title;
      [, end] = scoped(() => fill(main, view.show(values, new URLSearchParams(location.search))));
      // Whoever goes on by keyboard goes on here: the link that was pressed is gone.
      if (main.isConnected && (!document.activeElement || document.activeElement === document.body)) main.focus({ preventScroll: true });
      return;
    }
    end?.();
    fill(main, empty("There is nothing here", "The address leads nowhere.", h("a", { href: base }, "To the beginning")));
  });
  onEnd(() => end?.());
  return main;
}

/** @param {string} address */
const pathOf = (address) => address.split("?")[0] ?? "/";

/** @param {string} pattern @param {string} path @returns {Record<string, string> | null} */
function fits(pattern, path) {
  const [wanted, given] = [pattern.split("/"), path.split("/")];
  if (wanted.length !== given.length) return null;
  /** @type {Record<string, string>} */
  const values = {};
  for (const [n, part] of wanted.entries()) {
    const there = given[n] ?? "";
    if (part.startsWith(":")) values[part.slice(1)] = decodeURIComponent(there);
    else if (part !== there) return null;
  }
  return values;
}
