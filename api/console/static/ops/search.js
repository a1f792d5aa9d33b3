// Finding a technician or a booking, among all of them and not only those on the map.
import { effect, onEnd, signal } from "../lib/state.js";
import { h, said } from "../lib/dom.js";
import { dayTime, words } from "../lib/format.js";
import { sentenceOf } from "../lib/problems.js";

const TYPING_MS = 200;
const MOST = 5;

/** @param {import("../lib/shell.js").Context} context @param {import("./store.js").Store} store */
export function searchBox({ api, can }, store) {
  const asked = signal("");
  const found = signal(/** @type {{kind: "booking" | "technician", id: string, title: string, text: string}[]} */ ([]));
  const isOpen = signal(false);
  const trouble = signal(/** @type {unknown} */ (null));
  const input = h("input", {
    type: "search", placeholder: "Search  /", "aria-label": "Search technicians and bookings", maxlength: 100, role: "combobox", "aria-expanded": () => String(isOpen()), "aria-controls": "found",
    oninput: (/** @type {any} */ e) => asked.set(e.target.value.trim()),
    onfocus: () => isOpen.set(found.peek().length > 0),
    onkeydown: (/** @type {KeyboardEvent} */ e) => {
      if (e.key === "Escape") (isOpen.set(false), input.blur());
      if (e.key === "ArrowDown") (e.preventDefault(), list.querySelector("button")?.focus());
      if (e.key === "Enter") list.querySelector("button")?.click();
    },
  });
  effect(() => {
    const text = asked();
    if (text.length < 2) return found.set([]), isOpen.set(false);
    const timer = setTimeout(async () => {
      let failure = /** @type {unknown} */ (null);
      /** @param {string} permission @param {string} path @returns {Promise<any>} */
      const look = async (permission, path) => can(permission) ? api.page(path, { search: text, limit: MOST }).catch((error) => ((failure = error), null)) : null;
      const [who, what] = await Promise.all([look("technicians:read", "/v1/admin/partners"), look("bookings:read", "/v1/admin/bookings")]);
      if (asked.peek() !== text) return;
      trouble.set(failure);
      found.set([
        ...(who?.data.partners ?? []).map((/** @type {any} */ p) => ({ kind: "technician", id: p.id, title: p.name, text: p.partner_code })),
        ...(what?.data.bookings ?? []).map((/** @type {any} */ b) => ({ kind: "booking", id: b.id, title: b.booking_number, text: `${words(b.status)}, ${dayTime(b.starts_at, b.timezone)}` })),
      ]);
      isOpen.set(true);
    }, TYPING_MS);
    return onEnd(() => clearTimeout(timer));
  });
  /** @param {KeyboardEvent} e */
  const walk = (e) => {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[e.key];
    if (e.key === "Escape") (isOpen.set(false), input.focus());
    if (!step) return;
    e.preventDefault();
    const next = /** @type {any} */ (e.target).parentElement?.[step]?.querySelector("button");
    (next ?? input).focus();
  };
  const list = h("ul", { class: () => ["found", !isOpen() && "hidden"], id: "found", onkeydown: walk }, () => [trouble() && h("li", { class: "faint nothing" }, h("span", { role: "alert" }, sentenceOf(trouble()))), found().length ? found().map((one) => h("li", null, h("button", { onclick: () => {
    store.chosen.set({ kind: one.kind, id: one.id });
    isOpen.set(false);
  } }, h("strong", null, said(one.title)), h("span", { class: "faint" }, one.text)))) : !trouble() && h("li", { class: "faint nothing" }, "Nothing found")]);
  return { element: h("div", { class: "search-box" }, input, list), focus: () => input.focus() };
}
