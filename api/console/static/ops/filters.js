// What is shown of the live area: by presence, category and zone. Wishes can be kept under a name.
import { computed, signal } from "../lib/state.js";
import { h } from "../lib/dom.js";
import { toast } from "../lib/toast.js";
import { words } from "../lib/format.js";
import { stageOf } from "./store.js";

/** @typedef {{presence: string[], stages: string[], category: string, zone: string}} Wish */
/** @typedef {ReturnType<typeof openFilters>} Filters */

const KEY = "dispatch.ops.filters";
const MOST_KEPT = 12;
const PRESENCES = ["online", "busy", "stale", "offline"];
const STAGES = ["queue", "search", "offer", "ahead", "now"];
/** @type {Record<string, string>} */
const STAGE_WORDS = { queue: "Needs a person", search: "Searching", offer: "Offer open", ahead: "Accepted", now: "Under way" };
/** @type {Record<string, string>} */
const PRESENCE_WORDS = { online: "Free", busy: "On a job", stale: "No fresh position", offline: "Offline" };

/** @type {Wish} */
const EVERYTHING = { presence: PRESENCES, stages: STAGES, category: "", zone: "" };

/** @returns {Record<string, Wish>} */
function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}

export function openFilters() {
  const wish = signal(EVERYTHING);
  const saved = signal(kept());

  /** @param {Record<string, Wish>} next */
  function keep(next) {
    localStorage.setItem(KEY, JSON.stringify(next));
    saved.set(next);
  }

  return {
    wish,
    saved,
    /** @param {string} name */
    save: (name) => keep(Object.fromEntries([...Object.entries(saved.peek()), [name, wish.peek()]].slice(-MOST_KEPT))),
    /** @param {string} name */
    drop(name) {
      const before = saved.peek();
      keep(Object.fromEntries(Object.entries(before).filter(([one]) => one !== name)));
      toast(`The filter “${name}” is gone.`, { undo: () => keep(before) });
    },
    /** @param {import("./store.js").Tech} one */
    showsTechnician: (one) => wish.peek().presence.includes(one.presence),
    /** @param {import("./store.js").Job} one */
    showsBooking(one) {
      const { stages, category, zone } = wish.peek();
      return stages.includes(stageOf(one)) && (!category || one.categories.includes(category)) && (!zone || one.zone_id === zone);
    },
    isEverything: () => JSON.stringify(wish()) === JSON.stringify(EVERYTHING),
    clear: () => wish.set(EVERYTHING),
  };
}

/**
 * The panel in which wishes are made.
 * @param {Filters} filters @param {() => string[]} categories @param {() => {id: string, name: string}[]} zones
 */
export function filterPanel(filters, categories, zones) {
  const { wish, saved } = filters;
  /** @param {"presence" | "stages"} name @param {string} value @param {boolean} isOn */
  const flip = (name, value, isOn) => wish.update((w) => ({ ...w, [name]: isOn ? [...w[name], value] : w[name].filter((one) => one !== value) }));
  /** @param {"presence" | "stages"} name @param {string[]} all @param {Record<string, string>} said */
  const boxes = (name, all, said) => h("fieldset", null, h("legend", null, name === "presence" ? "Technicians" : "Bookings"), all.map((one) =>
    h("label", { class: "check" }, h("input", { type: "checkbox", checked: () => wish()[name].includes(one), onchange: (/** @type {any} */ e) => flip(name, one, e.target.checked) }), h("i", { class: ["key", name, one], "aria-hidden": "true" }), said[one])));
  // As text, so that news of bookings leaves an open list alone; what is wished for stays in it when its last booking goes.
  const offered = computed(() => JSON.stringify([...new Set([...categories(), wish().category])].filter(Boolean).sort()));
  const name = h("input", { type: "text", maxlength: 40, placeholder: "Name, such as Night shift", "aria-label": "Name of the filter" });
  return h("div", { class: "filter-panel" },
    () => Object.keys(saved()).length > 0 && h("div", { class: "saved" }, Object.entries(saved()).map(([one, kept]) =>
      h("span", { class: "saved-one" }, h("button", { onclick: () => wish.set({ ...EVERYTHING, ...kept }), "aria-pressed": JSON.stringify(wish()) === JSON.stringify(kept) ? "true" : "false" }, one), h("button", { class: "icon", "aria-label": `Delete ${one}`, onclick: () => filters.drop(one) }, "×")))),
    boxes("presence", PRESENCES, PRESENCE_WORDS),
    boxes("stages", STAGES, STAGE_WORDS),
    h("label", { class: "filter" }, h("span", null, "Category"), h("select", { value: () => wish().category, onchange: (/** @type {any} */ e) => wish.update((w) => ({ ...w, category: e.target.value })) },
      h("option", { value: "" }, "Any"), () => JSON.parse(offered()).map((/** @type {string} */ one) => h("option", { value: one, selected: wish.peek().category === one }, words(one))))),
    h("label", { class: "filter" }, h("span", null, "Zone"), h("select", { value: () => wish().zone, onchange: (/** @type {any} */ e) => wish.update((w) => ({ ...w, zone: e.target.value })) },
      h("option", { value: "" }, "Any"), () => zones().map((one) => h("option", { value: one.id, selected: wish.peek().zone === one.id }, one.name)))),
    h("form", { class: "row", onsubmit: (/** @type {Event} */ e) => {
      e.preventDefault();
      const given = name.value.trim();
      if (!given) return;
      filters.save(given);
      name.value = "";
    } }, name, h("button", null, "Keep")),
    () => !filters.isEverything() && h("button", { class: "link", onclick: filters.clear }, "Show everything"),
  );
}

export { PRESENCE_WORDS, STAGE_WORDS };
