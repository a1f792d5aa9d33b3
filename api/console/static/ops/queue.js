// Who waits for a technician, why nobody comes, and when the search looks again.
import { computed, effect, every, signal } from "../lib/state.js";
import { h, rows } from "../lib/dom.js";
import { empty, failed, loading } from "../lib/view.js";
import { sentenceOf } from "../lib/problems.js";
import { clockTime, countdown, dayTime, secondsUntil, wholeTime, words } from "../lib/format.js";
import { whyNobody } from "./reasons.js";

/**
 * @typedef {object} Waiting
 * @property {string} booking_id
 * @property {string} booking_number
 * @property {string} status
 * @property {string} starts_at
 * @property {string} timezone
 * @property {string[]} service_categories
 * @property {number} priority
 * @property {string | null} queued_at
 * @property {string | null} reason
 * @property {string[]} waits_for
 * @property {string | null} next_action_at
 */

const MOST = 100;
const SOON_MS = 700;

/**
 * @param {import("../lib/api.js").Client} api @param {import("./store.js").Store} store
 */
export function openQueue(api, store) {
  const waiting = signal(/** @type {Waiting[]} */ ([]));
  const total = signal(0);
  const problem = signal(/** @type {unknown} */ (null));
  const isKnown = signal(false);
  const tick = signal(0);
  every(1000, () => tick.update((n) => n + 1));

  // An answer that is older than what is shown says nothing.
  let [asked, shown] = [0, 0];
  async function read() {
    const turn = ++asked;
    try {
      const answer = await api.page("/v1/admin/assignments/queue", { limit: MOST });
      if (turn < shown) return;
      shown = turn;
      waiting.set(answer.data.pending_assignments);
      total.set(answer.data.pagination.total);
      problem.set(null);
      isKnown.set(true);
    } catch (error) {
      if (turn > shown) problem.set(error);
    }
  }
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let soon;
  effect(() => {
    store.bookingNews();
    store.queueLength();
    clearTimeout(soon);
    soon = setTimeout(read, isKnown.peek() ? SOON_MS : 0);
  });
  every(15_000, read);

  const isEmpty = computed(() => waiting().length === 0);
  const list = h("ul", { class: "queue" });
  rows(list, waiting, (one) => one.booking_id, (one) => row(one, store, tick));
  const element = h("div", { class: "panel-body" },
    () => problem() && (isKnown() ? h("p", { class: "notice warn", role: "status" }, sentenceOf(problem()), " What you see may be old.") : failed(problem(), read)),
    () => {
      if (!isKnown()) return !problem() && loading();
      return isEmpty() ? empty("Nobody waits", "Every booking has a technician or an open offer.") : list;
    });
  /** @param {1 | -1} step */
  function move(step) {
    const all = waiting.peek();
    const now = all.findIndex((one) => one.booking_id === store.chosen.peek()?.id);
    const next = all[now < 0 ? (step > 0 ? 0 : all.length - 1) : (now + step + all.length) % all.length];
    if (next) store.chosen.set({ kind: "booking", id: next.booking_id });
  }
  return { element, total, move, read };
}

/** @param {() => Waiting} one @param {import("./store.js").Store} store @param {() => number} tick */
function row(one, store, tick) {
  const id = one().booking_id;
  const lead = () => (tick(), secondsUntil(one().starts_at));
  return h("li", null, h("button", { class: "queue-row", "aria-pressed": () => (store.chosen()?.id === id ? "true" : "false"), onclick: () => store.chosen.set({ kind: "booking", id }) },
    h("span", { class: "queue-head" },
      h("strong", { class: "tabular" }, () => one().booking_number),
      () => one().priority > 0 && h("span", { class: "chip warn" }, `Priority ${one().priority}`),
      () => h("time", { class: ["queue-start", lead() < 3600 && "late"], title: wholeTime(one().starts_at, one().timezone) }, lead() < 0 ? `since ${clockTime(one().starts_at, one().timezone)}` : lead() < 7200 ? `in ${countdown(lead())}` : dayTime(one().starts_at, one().timezone)),
    ),
    h("span", { class: "queue-what" }, () => one().service_categories.map(words).join(", ")),
    h("span", { class: "queue-why" }, () => h("span", { class: ["why", one().queued_at && "person"] }, one().queued_at ? "Needs a person: " : "", whyNobody(one()))),
    () => !!one().next_action_at && h("span", { class: "queue-next tabular" }, `next look ${(tick(), secondsUntil(one().next_action_at)) > 0 ? `in ${countdown(secondsUntil(one().next_action_at))}` : "now"}`),
  ));
}
