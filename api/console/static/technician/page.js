// The technician's page: online, offers, the job, what was earned, why no jobs came, days off.
import { openPage } from "../lib/shell.js";
import { go, place } from "../lib/address.js";
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

/** Whether somebody is online by their word: whoever was silent for too long comes back with a position. @param {any} me */
const saidOnline = (me) => Boolean(me.is_available || me.has_gone_dark);

/** What all views share: the socket, presence, positions, and the jobs. @param {Client} api @param {import("../lib/session.js").Session} session @param {any} first who was signed in when the page opened */
function openDesk(api, session, first) {
  const socket = openSocket(session, "/technician", { resumes: true, isParty: true });
  const me = signal(first);
  const isOnline = signal(saidOnline(first));
  /** How often presence was told, or turned here: what was asked before is older. */
  let told = 0;
  const jobs = signal(/** @type {any[] | null} */ (null));
  const trouble = signal(/** @type {unknown} */ (null));
  let tries = 0;
  const turn = signal(0);
  const news = signal(0);
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
      if (!isFirst || socket.standing.peek() !== "live") {
        // Elsewhere on the page an offer is heard and not seen.
        if (!/^\/technician\/?(\?|$)/.test(place.peek())) toast("A job is offered to you.", { undo: () => go("/technician"), action: "Look at it" });
        alarm("A job for you", `${job.services.map((/** @type {any} */ s) => s.name).join(", ")}: ${money(job.partner_earning, job.currency)}`);
      }
    }
    isFirst = false;
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(fresh, 120);
  }

  /** @param {boolean} is @param {boolean} isOwn whether the technician did it, here or elsewhere */
  function turned(is, isOwn) {
    if (is === isOnline.peek()) return;
    isOnline.set(is);
    void awake();
    if (!isOwn) toast(is ? "The office has set you online." : "The office has set you offline: no jobs are offered to you.", { isBad: !is });
  }

  /** What the office says of this technician by now; not all of it is told as it changes. */
  async function lookAgain() {
    const before = told;
    const now = await api.get("/v1/partner/auth/me").catch(() => null);
    if (!now) return;
    me.set(now);
    // Who did it while nobody listened is not known.
    if (told === before) turned(saidOnline(now), true);
  }

  for (const event of ["offer.made", "offer.closed", "job.updated", "reset"]) onEnd(socket.on(event, () => (soon(), news.update((n) => n + 1))));
  onEnd(socket.on("earnings.updated", () => turn.update((n) => n + 1)));
  // What happened before the first connection, or in a history that is not told again, is read.
  for (const event of ["connect", "reset"]) onEnd(socket.on(event, () => (soon(), void lookAgain())));
  onEnd(socket.on("presence.changed", (/** @type {any} */ said) => (told++, turned(said.is_available, said.by === "technician"))));
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
  const where = locations(socket, () => isOnline.peek(), first.id);
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
    const mine = ++told;
    await api.patch("/v1/partner/availability", { is_available: is, ...known });
    // Whatever came meanwhile is newer than this answer.
    if (told !== mine) return;
    told++;
    turned(is, true);
  }

  return { api, me, lookAgain, socket, isOnline, setOnline, jobs, trouble, where, read: soon, fresh, turn, news };
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

// Whoever presses on the notice of an offer wants to see it.
navigator.serviceWorker?.addEventListener("message", (event) => event.data === "offer" && go("/technician"));
if ("serviceWorker" in navigator) void navigator.serviceWorker.register("/technician-worker.js", { scope: "/technician" }).catch(() => null);
