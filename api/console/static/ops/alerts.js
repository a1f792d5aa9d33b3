// What needs a person: alerts of one kind stand together, and are settled one by one or all at once.
import { computed, every, signal } from "../lib/state.js";
import { h, said } from "../lib/dom.js";
import { empty } from "../lib/view.js";
import { ago, wholeTime, words } from "../lib/format.js";
import { later, toast, told } from "../lib/toast.js";

/** @typedef {import("./store.js").Alert} Alert */

const MOST_SHOWN = 20;
/** So few stand open. */
const FEW = 3;

/** @param {import("../lib/api.js").Client} api @param {import("./store.js").Store} store @param {boolean} mayResolve */
export function openAlerts(api, store, mayResolve) {
  const hidden = signal(/** @type {ReadonlySet<string>} */ (new Set()));
  /** Of each kind as it was first seen, and as somebody turned it since: however many come and go. @type {Map<string, import("../lib/state.js").Signal<boolean>>} */
  const opened = new Map();
  const tick = signal(0);
  every(5000, () => tick.update((n) => n + 1));
  const open = computed(() => {
    store.alertNews();
    return [...store.alerts.values()].filter((one) => !hidden().has(one.id)).sort((a, b) => b.created_at.localeCompare(a.created_at));
  });
  const groups = computed(() => {
    /** @type {Map<string, Alert[]>} */
    const found = new Map();
    for (const one of open()) found.set(one.kind, [...(found.get(one.kind) ?? []), one]);
    // What comes after a kind was gone is seen first again; what is only about to be settled may come back.
    const there = new Set([...store.alerts.values()].map((one) => one.kind));
    for (const kind of opened.keys()) if (!there.has(kind)) opened.delete(kind);
    return [...found.entries()];
  });

  /** @param {Alert[]} some */
  function settle(some) {
    const ids = some.map((one) => one.id);
    hidden.update((h) => new Set([...h, ...ids]));
    const back = () => hidden.update((h) => new Set([...h].filter((id) => !ids.includes(id))));
    later(ids.length === 1 ? "The alert is settled." : `${ids.length} alerts are settled.`, async () => {
      const done = await Promise.allSettled(ids.map((id) => api.post(`/v1/admin/alerts/${id}/resolve`, {})));
      const failure = done.find((one) => one.status === "rejected");
      if (failure?.status !== "rejected") return;
      back();
      told(failure.reason);
    }, back);
  }

  /** @param {Alert} one */
  const choose = (one) => {
    if (one.booking_id) store.chosen.set({ kind: "booking", id: one.booking_id });
    else if (one.technician_id) store.chosen.set({ kind: "technician", id: one.technician_id });
  };

  const element = h("div", { class: "panel-body" }, () => (open().length ? h("ul", { class: "alerts" }, groups().map(([kind, some]) => group(kind, some))) : empty("All quiet", "No alert is open.")));

  /** @param {string} kind @param {Alert[]} some */
  function group(kind, some) {
    const isOpen = opened.get(kind) ?? signal(some.length <= FEW);
    opened.set(kind, isOpen);
    return h("li", { class: "alert-group" },
      h("div", { class: "row between" },
        h("button", { class: "alert-kind link", "aria-expanded": () => String(isOpen()), onclick: () => isOpen.update((is) => !is) },
          h("span", { class: "chip bad" }, words(kind)), h("span", { class: "tabular" }, some.length > 1 ? `${some.length}` : "")),
        h("time", { class: "faint", title: wholeTime(some[0]?.created_at, some[0]?.timezone) }, () => (tick(), ago(some[0]?.created_at))),
      ),
      () => isOpen() && h("ul", { class: "alert-list" }, some.slice(0, MOST_SHOWN).map((one) => h("li", { class: "alert-one" },
        h("button", { class: "alert-text", onclick: () => choose(one), disabled: !one.booking_id && !one.technician_id }, said(one.message)),
        mayResolve && h("button", { onclick: () => settle([one]), "aria-label": `Settle: ${one.message.slice(0, 80)}` }, "Settle"),
      ))),
      mayResolve && some.length > 1 && h("button", { class: "link", onclick: () => settle(some) }, `Settle all ${some.length}`),
    );
  }

  let last = -1;
  return {
    element,
    count: computed(() => open().length),
    /** The next one, round and round. */
    next() {
      const all = open();
      if (!all.length) return toast("No alert is open.");
      last = (last + 1) % all.length;
      return choose(/** @type {Alert} */ (all[last]));
    },
  };
}
