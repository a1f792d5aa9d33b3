// When: the days ahead, and the times of one that can be booked.
import { h } from "../lib/dom.js";
import { computed, effect, every, listen, signal } from "../lib/state.js";
import { now } from "../lib/boot.js";
import { isoDay } from "../lib/format.js";
import { isPassing, sentenceOf } from "../lib/problems.js";
import { nextDays } from "../people/common.js";

const DAYS = 21;
/** How often to look whether it is another day. */
const LOOK_MS = 20_000;

/** @param {import("./page.js").Desk} desk */
export function times(desk) {
  // A page that is left open overnight begins with another day, and it may be another one at the place already.
  const timezone = computed(() => desk.place()?.timezone);
  const tick = signal(0);
  const look = () => tick.update((n) => n + 1);
  every(LOOK_MS, look);
  listen(document, "visibilitychange", look);
  const today = computed(() => (tick(), isoDay(now(), timezone())));
  const days = computed(() => (today(), nextDays(DAYS, timezone())));
  const isReady = computed(() => Boolean(desk.wish().address_id) && Object.values(desk.wish().items).some((n) => n > 0));
  const chosen = computed(() => desk.wish().day);
  effect(() => {
    days();
    const place = desk.place();
    if (!place) return;
    // By its own clock: what follows from the place may be a turn behind it.
    const there = nextDays(DAYS, place.timezone);
    if (!there.some((d) => d.value === desk.wish.peek().day)) desk.choose({ day: there[0]?.value ?? null, time: null });
  });
  return h("section", { class: "card stack" }, h("h2", null, "When"),
    // On a phone the summary, which says it too, is far below.
    () => desk.trouble() && h("p", { class: "notice bad beside-choice" }, sentenceOf(desk.trouble()), isPassing(desk.trouble()) && " This page keeps trying by itself."),
    () => !isReady() ? h("p", { class: "faint" }, "Choose a place and a service first: times are those at which somebody can come.") : h("div", { class: "stack" },
      h("div", { class: "scroll-row pick", role: "group", "aria-label": "Day" }, () => days().map((d) => h("button", { type: "button", "aria-pressed": () => String(chosen() === d.value), onclick: () => desk.choose({ day: d.value, time: null }) }, d.label))),
      slots(desk)));
}

/** The same times stay where they are, whatever else is chosen and priced. @param {import("./page.js").Desk} desk */
function slots(desk) {
  const shown = computed(() => {
    const found = desk.preview();
    if (!found && !desk.isPricing()) return "";
    return found?.booking_date === desk.wish().day ? JSON.stringify([found.available_time_slots, found.no_time?.message]) : "[]";
  });
  return () => {
    if (!shown()) return null;
    const [all, why] = JSON.parse(shown());
    if (!all) return h("p", { class: "faint", role: "status" }, "Looking for times");
    if (!all.length) return h("p", { class: "notice warn" }, why ?? "No time is free on this day; try another one.");
    return h("div", { class: "slots pick", role: "group", "aria-label": "Time" }, all.map((/** @type {string} */ at) => h("button", { type: "button", class: "tabular", "aria-pressed": () => String(desk.wish().time === at), onclick: () => desk.choose({ time: at }) }, at)));
  };
}
