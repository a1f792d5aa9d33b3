// What: the catalogue at the place, by category, with how many of each.
import { computed, signal } from "../lib/state.js";
import { h, said } from "../lib/dom.js";
import { client } from "../lib/api.js";
import { empty, view } from "../lib/view.js";
import { duration, money } from "../lib/format.js";

/** @typedef {import("./page.js").Desk} Desk */

const MOST = 10;

/** @param {Desk} desk */
export function services(desk) {
  const category = signal("");
  const where = computed(() => {
    const a = desk.place();
    return a ? JSON.stringify(a.lat === null ? { pincode: a.pincode } : { lat: a.lat, lng: a.lng }) : "{}";
  });
  const [body] = view((abort) => client(null).get("/v1/services/catalog", JSON.parse(where()), abort), (found) => {
    const names = Object.keys(found.categories);
    if (!names.length) return empty("Nothing is offered at this place yet");
    // Before the place is known this is not what is offered there.
    if (desk.place.peek()) forgetGone(desk, found.all_services);
    const shown = computed(() => (names.includes(category()) ? category() : (names.find((name) => found.categories[name].some((/** @type {any} */ s) => desk.wish.peek().items[s.id])) ?? names[0])) ?? "");
    return [
      h("div", { class: "scroll-row pick", role: "group", "aria-label": "Category" }, names.map((name) => h("button", { type: "button", "aria-pressed": () => String(shown() === name), onclick: () => category.set(name) }, said(name)))),
      () => h("ul", { class: "services" }, found.categories[shown()].map((/** @type {any} */ s) => service(desk, s))),
    ];
  });
  return h("section", { class: "card stack" }, h("h2", null, "What"), body);
}

/** @param {Desk} desk @param {any} s */
function service(desk, s) {
  const count = computed(() => desk.wish().items[s.id] ?? 0);
  const isSome = computed(() => count() > 0);
  /** @param {number} n */
  const set = (n) => desk.choose({ items: { ...desk.wish.peek().items, [s.id]: Math.max(0, Math.min(MOST, n)) }, time: null });
  return h("li", { class: "service" },
    h("div", { class: "service-words" }, h("strong", null, said(s.name)), s.description && h("p", { class: "faint" }, said(s.description)),
      h("p", { class: "faint" }, said(s.tier), " · ", duration(s.duration_minutes * 60))),
    h("div", { class: "service-price" }, h("strong", { class: "money" }, money(s.product_cost, s.currency)), s.market_price > s.product_cost && h("s", { class: "faint money" }, money(s.market_price, s.currency))),
    h("div", { class: "stepper" },
      () => isSome() && [h("button", { type: "button", class: "icon", "aria-label": `One ${s.name} less`, onclick: () => set(count() - 1) }, "−"), h("output", { class: "tabular" }, count)],
      h("button", { type: "button", class: () => isSome() && "icon", "aria-label": () => isSome() ? `One ${s.name} more` : `Add ${s.name}`, disabled: () => count() >= MOST, onclick: () => set(count() + 1) }, () => isSome() ? "+" : "Add")));
}

/** What is no longer offered leaves the cart. @param {Desk} desk @param {any[]} offered */
function forgetGone(desk, offered) {
  const known = new Set(offered.map((s) => s.id));
  const items = desk.wish.peek().items;
  const left = Object.fromEntries(Object.entries(items).filter(([id]) => known.has(id)));
  if (Object.keys(left).length !== Object.keys(items).length) desk.choose({ items: left });
}
