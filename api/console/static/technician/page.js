// The technician's page: online, offers, the job, what was earned, why no jobs came, days off.
import { openPage } from "../lib/shell.js";
import { place } from "../lib/address.js";
import { router } from "../lib/router.js";
import { computed, effect, every, listen, onEnd, signal } from "../lib/state.js";
import { h } from "../lib/dom.js";
import { connectionState, soonAgain } from "../lib/view.js";
import { isReachable } from "../lib/api.js";
import { openSocket } from "../lib/socket.js";
import { money } from "../lib/format.js";
import { isPassing } from "../lib/problems.js";
import { toast } from "../lib/toast.js";
import { byPhone } from "../people/sign-in.js";
import { alarm, allowSound, wakeLock } from "./alarm.js";
import { locations } from "./locations.js";
import { keepSubscribed } from "./push.js";
import { work } from "./work.js";
import { chances, daysOff, earnings, past } from "./own.js";

/** @typedef {import("../lib/api.js").Client} Client */
/** @typedef {ReturnType<typeof openDesk>} Desk */

const OPEN = "assigned,accepted,in_transit,arrived,in_progress";
const UNDER_WAY = new Set(["in_transit", "arrived", "in_progress"]);
const TABS = /** @type {[string, string][]} */ ([["/technician", "Work"], ["/technician/jobs", "Jobs"], ["/technician/earnings", "Earnings"], ["/technician/chances", "Chances"], ["/technician/days-off", "Days off"]]);

/** What all views share: the socket, presence, positions, and the jobs. @param {Client} api @param {import("../lib/session.js").Session} session @param {any} me */
function openDesk(api, session, me) {
  const socket = openSocket(session, "/technician", { resumes: true, isParty: true });
  const isOnline = signal(Boolean(me.is_available));
  const jobs = signal(/** @type {any[] | null} */ (null));
  const trouble = signal(/** @type {unknown} */ (null));
  let tries = 0;
  const turn = signal(0);
  /** @type {Set<string>} */
  const announced = new Set();
  let isFirst = true;
  let timer = 0;
  /** @type {Promise<void> | null} */
  let reading = null;

  /** The jobs as they stand now; done when they are shown. */
  async function fresh() {
    clearTimeout(timer);
    while (reading) await reading;
    reading = read();
    await reading;
  }

  async function read() {
    try {
      const { data } = await api.page("/v1/partner/bookings", { status: OPEN, limit: 50 });
      announce(data.bookings);
      // What is under way is first, whatever it had been planned for.
      jobs.set(data.bookings.sort((/** @type {any} */ a, /** @type {any} */ b) => Number(UNDER_WAY.has(b.assignment_status)) - Number(UNDER_WAY.has(a.assignment_status)) || Date.parse(a.starts_at) - Date.parse(b.starts_at)));
      trouble.set(null);
      tries = 0;
    } catch (error) {
      trouble.set(error);
    } finally {
      reading = null;
    }
  }

  /** @param {any[]} found */
  function announce(found) {
    for (const job of found) {
      if (!job.offer_id || job.assignment_status !== "assigned" || announced.has(job.offer_id)) continue;
      announced.add(job.offer_id);
      if (!isFirst || socket.standing.peek() !== "live") alarm("A job for you", `${job.services.map((/** @type {any} */ s) => s.name).join(", ")}: ${money(job.partner_earning, job.currency)}`);
    }
    isFirst = false;
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(fresh, 120);
  }

  for (const event of ["offer.made", "offer.closed", "job.updated", "reset"]) onEnd(socket.on(event, soon));
  onEnd(socket.on("earnings.updated", () => turn.update((n) => n + 1)));
  onEnd(socket.on("connect", soon));
  onEnd(socket.on("presence.changed", (/** @type {any} */ told) => {
    if (told.is_available === isOnline.peek()) return;
    isOnline.set(told.is_available);
    void awake();
    if (told.by !== "technician") toast(told.is_available ? "The office has set you online." : "The office has set you offline: no jobs are offered to you.", { isBad: !told.is_available });
  }));
  let was = isReachable.peek();
  effect(() => {
    const is = isReachable();
    if (is && !was) soon();
    was = is;
  });
  effect(() => {
    const error = trouble();
    if (isPassing(error)) soonAgain(soon, ++tries, error);
  });
  listen(document, "visibilitychange", () => !document.hidden && soon());
  void fresh();
  void keepSubscribed(api, false);
  const where = locations(socket, () => isOnline.peek(), me.id);
  let isEnded = false;
  const awake = wakeLock(() => isOnline.peek() && !isEnded);
  every(3000, () => void awake());
  onEnd(() => {
    clearTimeout(timer);
    socket.close();
    isEnded = true;
    void awake();
  });

  /** @param {boolean} is */
  async function setOnline(is) {
    if (is) {
      allowSound();
      void keepSubscribed(api, true);
    }
    const at = where.standing.peek();
    const known = is && at.state === "found" ? { current_lat: at.lat, current_lng: at.lng } : {};
    await api.patch("/v1/partner/availability", { is_available: is, ...known });
    isOnline.set(is);
    void awake();
  }

  return { api, me, socket, isOnline, setOnline, jobs, trouble, where, read: soon, fresh, turn };
}

/** @type {Desk | null} */
let desk = null;

openPage({
  kind: "technician",
  signIn: byPhone,
  title: "Technician",
  bar: ({ api, session, me }) => {
    desk = openDesk(api, session, me);
    const offers = computed(() => desk?.jobs()?.filter((job) => job.assignment_status === "assigned").length ?? 0);
    return [h("nav", { class: "sections tabs", "aria-label": "Pages" }, TABS.map(([href, label]) => h("a", { href, "aria-current": () => ((place().split("?")[0] ?? "").replace(/\/$/, "") === href ? "page" : null) }, label, () => label === "Work" && offers() > 0 && h("span", { class: "badge tabular", "aria-label": `${offers()} offers` }, offers())))), h("span", { class: "spread" }), connectionState(desk.socket)];
  },
  show: () => {
    const mine = /** @type {Desk} */ (desk);
    return router("/technician", [
      { pattern: "/", title: "Work", show: () => work(mine) },
      { pattern: "/jobs", title: "Jobs", show: () => past(mine) },
      { pattern: "/earnings", title: "Earnings", show: () => earnings(mine) },
      { pattern: "/chances", title: "Chances", show: () => chances(mine) },
      { pattern: "/days-off", title: "Days off", show: () => daysOff(mine) },
    ]);
  },
});

if ("serviceWorker" in navigator) void navigator.serviceWorker.register("/technician-worker.js", { scope: "/technician" }).catch(() => null);
