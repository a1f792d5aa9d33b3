// The address of the page: read as a signal, changed without loading anything.
import { signal } from "./state.js";

export const place = signal(location.pathname + location.search);
addEventListener("popstate", () => place.set(location.pathname + location.search));

/** @param {string} address @param {{replace?: boolean}} [options] */
export function go(address, options = {}) {
  if (address === place.peek()) return;
  history[options.replace ? "replaceState" : "pushState"](null, "", address);
  place.set(address);
  if (!options.replace) scrollTo(0, 0);
}

/** The query of the address now; a signal. */
export const query = () => new URLSearchParams(place().split("?")[1] ?? "");

/** Changes some values of the address's query, and forgets the empty ones. @param {Record<string, string | null>} values */
export function setQuery(values) {
  const [path, text] = place.peek().split("?");
  const asked = new URLSearchParams(text);
  for (const [name, value] of Object.entries(values)) value ? asked.set(name, value) : asked.delete(name);
  go(asked.size ? `${path}?${asked}` : (path ?? "/"), { replace: true });
}
