// One technician beside the map: how they stand, what they do, where they were.
import { computed, effect, every, onEnd, signal } from "../lib/state.js";
import { h, said } from "../lib/dom.js";
import { view } from "../lib/view.js";
import { ago, dayTime, money, number, words } from "../lib/format.js";
import { PRESENCE_WORDS } from "./filters.js";

const TRAIL_MINUTES = 45;
const TRAIL_MS = 10_000;
/** @type {Record<string, string>} */
const PRESENCE_CHIP = { online: "good", busy: "info", stale: "warn", offline: "" };

/**
 * @param {import("../lib/api.js").Client} api @param {import("./store.js").Store} store
 * @param {import("./board-map.js").BoardMap} board @param {string} id
 */
export function technicianPanel(api, store, board, id) {
  const tick = signal(0);
  every(1000, () => tick.update((n) => n + 1));
  const live = () => (store.moves(), tick(), store.byId.get(id));
  const isHere = computed(() => Boolean(live()));
  const left = new AbortController();
  onEnd(() => left.abort());
  /** @param {[number, number, number][]} points */
  const showTrail = (points) => void (left.signal.aborted || board.trail.set(points));
  const readTrail = () => void api.get(`/v1/admin/technicians/${id}/trail`, { minutes: TRAIL_MINUTES }, left.signal).then((found) => showTrail(found.points), () => showTrail([]));
  readTrail();
  every(TRAIL_MS, readTrail);
  effect(() => {
    const one = live();
    const trail = board.trail.peek();
    // The trail reaches to where they are now.
    if (one && trail.length && trail.at(-1)?.[1] !== one.lat) board.trail.set([...trail, [one.fix_s, one.lat, one.lng]]);
  });
  function show() {
    const one = store.byId.get(id);
    if (one) board.show(one.lat, one.lng);
  }
  const [body] = view(
    async (abort) => {
      const [detail, jobs] = await Promise.all([api.get(`/v1/admin/partners/${id}`, {}, abort), api.page(`/v1/admin/partners/${id}/bookings`, { limit: 8 }, abort)]);
      return { who: detail.partner ?? detail, jobs: jobs.data.bookings ?? jobs.data.items ?? [] };
    },
    ({ who, jobs }) => [
      h("header", { class: "detail-head" }, h("h2", null, said(who.name)), h("p", { class: "faint" }, who.partner_code, " · ", said(who.phone_number))),
      h("div", { class: "row" },
        () => {
          const one = live();
          return one ? [
            h("span", { class: ["chip", PRESENCE_CHIP[one.presence]] }, PRESENCE_WORDS[one.presence]),
            one.job && h("span", { class: "chip info" }, words(one.job)),
            h("span", { class: "faint tabular" }, `position ${ago(one.fix_s * 1000)}`, !one.is_sure && ", uncertain"),
          ] : h("span", { class: "chip" }, "Not on this map");
        },
        // What is pressed is not drawn anew by the second.
        () => isHere() && h("button", { class: "link", onclick: show }, "Show")),
      h("dl", { class: "facts" },
        h("dt", null, "Services"), h("dd", null, (who.service_categories ?? []).map(words).join(", ")),
        h("dt", null, "Rating"), h("dd", null, who.rating === null || who.rating === undefined ? "none yet" : Number(who.rating).toFixed(2)),
        h("dt", null, "Jobs"), h("dd", null, `${number(who.completed_bookings)} done, ${number(who.cancelled_bookings)} given back`),
        h("dt", null, "Papers"), h("dd", null, words(who.onboarding_status)),
      ),
      h("h3", null, "Latest jobs"),
      jobs.length ? h("ul", { class: "plain" }, jobs.map((/** @type {any} */ job) => h("li", null, h("button", { class: "link-row", onclick: () => store.chosen.set({ kind: "booking", id: job.id }) },
        h("span", { class: "tabular" }, job.booking_number), h("span", null, words(job.status)), h("time", { class: "faint" }, dayTime(job.starts_at, job.timezone)), h("span", { class: "money" }, money(job.grand_total, job.currency)))))) : h("p", { class: "faint" }, "None yet."),
      h("p", null, h("a", { href: `/admin/technicians/${id}` }, "Everything about this technician")),
    ],
    { class: "detail" },
  );
  return body;
}
