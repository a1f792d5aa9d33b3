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
  /** What was asked for what is found. */
  let answered = "";
  /** Whoever has left it, or chosen, does not get the list again by an answer that comes later. */
  let isLeft = false;
  const shut = () => {
    isLeft = true;
    isOpen.set(false);
  };
  const trouble = signal(/** @type {unknown} */ (null));
  const input = h("input", {
    type: "search", placeholder: "Search  /", "aria-label": "Search technicians and bookings", maxlength: 100, role: "combobox", "aria-expanded": () => String(isOpen()), "aria-controls": "found",
    oninput: (/** @type {any} */ e) => ((isLeft = false), asked.set(e.target.value.trim())),
    onfocus: () => ((isLeft = false), isOpen.set(found.peek().length > 0)),
    onkeydown: (/** @type {KeyboardEvent} */ e) => {
      if (e.key === "Escape") (shut(), input.blur());
      if (e.key === "ArrowDown") (e.preventDefault(), list.querySelector("button")?.focus());
      // The first of what was asked for before is somebody else.
      if (e.key === "Enter" && answered === asked.peek()) list.querySelector("button")?.click();
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
      answered = text;
      if (!isLeft) isOpen.set(true);
    }, TYPING_MS);
    return onEnd(() => clearTimeout(timer));
  });
  /** @param {KeyboardEvent} e */
  const walk = (e) => {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[e.key];
    if (e.key === "Escape") (input.focus(), shut());
    if (!step) return;
    e.preventDefault();
    const next = /** @type {any} */ (e.target).parentElement?.[step]?.querySelector("button");
    (next ?? input).focus();
  };
  const list = h("ul", { class: () => ["found", !isOpen() && "hidden"], id: "found", onkeydown: walk }, () => [trouble() && h("li", { class: "faint nothing" }, h("span", { role: "alert" }, sentenceOf(trouble()))), found().length ? found().map((one) => h("li", null, h("button", { onclick: () => {
    store.chosen.set({ kind: one.kind, id: one.id });
    shut();
  } }, h("strong", null, said(one.title)), h("span", { class: "faint" }, one.text)))) : !trouble() && h("li", { class: "faint nothing" }, "Nothing found")]);
  return { element: h("div", { class: "search-box" }, input, list), focus: () => input.focus() };
}
