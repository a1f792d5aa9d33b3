// The work now: online or not, offers with their countdown, and the steps of the jobs.
import { computed, effect, every, signal, untracked } from "../lib/state.js";
import { h, rows, said } from "../lib/dom.js";
import { empty, loading } from "../lib/view.js";
import { countdown, distance, duration, money, secondsUntil, visitTime } from "../lib/format.js";
import { isReachable, Problem, Unreachable } from "../lib/api.js";
import { steady_ms } from "../lib/boot.js";
import { sentenceOf } from "../lib/problems.js";
import { toast } from "../lib/toast.js";
import { addressLines, serviceNames, statusChip } from "../people/common.js";
import { deed, moved, panel } from "../people/deeds.js";

/** @typedef {import("./page.js").Desk} Desk */

/** @type {Record<string, [string, string]>} state to the next step and its word */
const NEXT = { accepted: ["in_transit", "Start driving"], in_transit: ["arrived", "I am at the door"], arrived: ["in_progress", "Start the work"], in_progress: ["completed", "The work is done"] };

/** @param {Desk} desk */
export function work(desk) {
  const offers = computed(() => desk.jobs()?.filter((job) => job.assignment_status === "assigned") ?? []);
  const jobs = computed(() => desk.jobs()?.filter((job) => job.assignment_status !== "assigned") ?? []);
  let before = "";
  effect(() => {
    const now = offers().map((job) => job.offer_id).join();
    if (now !== before && desk.jobs.peek() !== null) moved();
    before = now;
  });
  const offerList = h("div", { class: "stack" });
  // An offer is drawn once, so whatever it shows is its key: a visit that was moved is a new card.
  rows(offerList, offers, (job) => JSON.stringify(job), (job) => offer(desk, job));
  const jobList = h("div", { class: "stack" });
  // A job stays: what somebody types or ticks on its card is theirs, whatever becomes known of it meanwhile.
  rows(jobList, jobs, (job) => job.id, (job) => own(desk, job));
  return h("div", { class: "stack narrow middle" },
    presence(desk),
    () => desk.trouble() && h("p", { class: "notice warn", role: "status" }, sentenceOf(desk.trouble()), " What you see may be old."),
    h("div", { "aria-live": "assertive" }, offerList),
    jobList,
    () => desk.jobs() === null ? loading() : !offers().length && !jobs().length && (desk.isOnline()
      ? empty("No job yet", "Stay online: offers come here with a sound.", h("a", { href: "/technician/chances" }, "Why no jobs?"))
      : empty("You are offline", "Go online to be offered jobs.")));
}

/** @param {Desk} desk */
function presence(desk) {
  const tick = signal(0);
  every(1000, () => tick.update((n) => n + 1));
  const { standing, backlog, isOtherTab, again } = desk.where;
  return h("section", { class: () => ["card", "presence", desk.isOnline() && "online"] },
    h("div", { class: "row between" },
      h("div", null, h("h1", null, () => (desk.isOnline() ? "You are online" : "You are offline")), h("p", { class: "faint" }, () => {
        tick();
        if (!desk.isOnline()) return "Nobody is told where you are.";
        if (isOtherTab()) return "Your position is told by another tab.";
        const at = standing();
        if (at.state === "found") return `Position within ${distance(Math.max(10, at.accuracy_m))}, ${duration((steady_ms() - at.at_ms) / 1000)} old`;
        return at.state === "lost" ? "" : "Looking for your position";
      })),
      () => desk.isOnline() ? deed("Go offline", () => desk.setOnline(false)) : deed("Go online", () => desk.setOnline(true), { class: "primary" })),
    () => desk.isOnline() && standing().state === "lost" && h("div", { class: "notice warn", role: "alert" }, h("p", null, standing().text), h("p", null, "Without a position you are offered only jobs that start later."), h("button", { type: "button", onclick: again }, "Try again")),
    () => backlog() > 5 && h("p", { class: "faint", role: "status" }, `${backlog()} positions wait to be sent.`));
}

/**
 * A command by the socket, sent until it is answered; by REST while the socket is away. Throws Problem.
 * @param {Desk} desk @param {string} event @param {object} payload @param {() => Promise<unknown>} otherwise
 */
async function tell(desk, event, payload, otherwise) {
  if (desk.socket.standing.peek() !== "live") return otherwise();
  const answer = await desk.socket.command(event, payload);
  if (answer.error?.code === "unreachable") {
    isReachable.set(false);
    throw new Unreachable();
  }
  if (!answer.ok) throw new Problem(409, answer.error?.code ?? "unknown", answer.error?.message ?? "That did not work; please try again.");
  return answer.data;
}

/** @param {any} job */
const pay = (job) => (job.payment_method === "cash" ? (job.amount_to_collect > 0 ? `${money(job.amount_to_collect, job.currency)} in cash` : "Nothing to collect") : job.payment_status === "paid" ? "Paid online" : "Paid by others");

/** @param {Desk} desk @param {() => any} job */
function offer(desk, job) {
  const left_s = signal(secondsUntil(job().offer_expires_at));
  const whole_s = Math.max(1, left_s.peek());
  every(500, () => left_s.set(secondsUntil(job().offer_expires_at)));
  let isToldOver = false;
  const isOver = computed(() => left_s() <= 0);
  every(1000, () => {
    if (!isOver() || isToldOver) return;
    isToldOver = true;
    setTimeout(desk.read, 2500);
  });
  const one = job();
  const base = `/v1/partner/bookings/${one.id}`;
  const gone = (/** @type {unknown} */ error) => {
    if (error instanceof Problem) toast(error.message, { isBad: true });
    desk.read();
  };
  return h("article", { class: "card offer stack", "aria-label": "Offer" },
    h("div", { class: "row between" }, h("h2", null, serviceNames(one.services)), h("strong", { class: "big money" }, money(one.partner_earning, one.currency))),
    h("div", { class: "time-left" }, h("div", { class: "time-bar", style: () => ({ width: `${Math.max(0, Math.min(100, (left_s() / whole_s) * 100))}%` }) })),
    h("p", { class: "row between" }, h("span", { role: "timer" }, () => (isOver() ? "The time for this offer is over" : ["Answer within ", h("strong", { class: "tabular" }, countdown(left_s()))])), h("span", { class: "faint" }, pay(one))),
    facts([["When", h("time", null, visitTime(one.starts_at, one.timezone), " · ", duration((Date.parse(one.ends_at) - Date.parse(one.starts_at)) / 1000))], ["Where", addressLines(one.address)]]),
    h("div", { class: "answers" },
      deed("Reject", async () => (await tell(desk, "offer.reject", { offer_id: one.offer_id }, () => desk.api.post(`${base}/reject`)), desk.fresh()), { disabled: isOver, failed: gone }),
      deed("Accept", async () => (await tell(desk, "offer.accept", { offer_id: one.offer_id }, () => desk.api.post(`${base}/accept`)), toast("The job is yours."), desk.fresh()), { class: "primary", disabled: isOver, failed: gone })));
}

/** @param {[string, import("../lib/dom.js").Child][]} pairs */
const facts = (pairs) => h("dl", { class: "facts" }, pairs.map(([name, value]) => value && [h("dt", null, name), h("dd", null, value)]));

/** @param {Desk} desk @param {() => any} job */
function own(desk, job) {
  const base = `/v1/partner/bookings/${job().id}`;
  // The jobs are read again and again: what says the same is not drawn anew.
  const shown = computed(() => JSON.stringify(job()));
  const mayGiveBack = computed(() => job().assignment_status !== "in_progress");
  return h("article", { class: "card stack", "aria-label": "Job" },
    () => shown() && untracked(() => known(job())),
    next(desk, job, base),
    () => mayGiveBack() && panel("Give the job back", () => giveBack(desk, base)));
}

/** What is known of a job. @param {any} one */
function known(one) {
  const phone = one.customer?.phone;
  return [
    h("div", { class: "row between" }, h("h2", null, serviceNames(one.services)), statusChip(one.assignment_status)),
    facts([
      ["When", h("time", null, visitTime(one.starts_at, one.timezone), " · ", duration((Date.parse(one.ends_at) - Date.parse(one.starts_at)) / 1000))], ["Where", addressLines(one.address)],
      ["Who", one.customer && said(one.customer.name)], ["Pays", pay(one)], ["You earn", h("span", { class: "money" }, money(one.partner_earning, one.currency))], ["Booking", h("span", { class: "tabular" }, one.booking_number)],
    ]),
    h("div", { class: "actions" },
      one.lat !== null && h("a", { class: "button", href: `geo:${one.lat},${one.lng}?q=${one.lat},${one.lng}` }, "Navigate"),
      one.lat !== null && h("a", { class: "button", href: `https://www.openstreetmap.org/?mlat=${one.lat}&mlon=${one.lng}#map=17/${one.lat}/${one.lng}`, target: "_blank", rel: "noopener noreferrer" }, "Map"),
      phone && h("a", { class: "button", href: `tel:${phone}` }, "Call")),
  ];
}

/** The next step, and what it needs; each part is drawn anew only when it changes. @param {Desk} desk @param {() => any} job @param {string} base */
function next(desk, job, base) {
  const state = computed(() => job().assignment_status);
  const needsCode = computed(() => Boolean(state() === "arrived" && job().needs_start_code));
  const due = computed(() => (state() === "in_progress" && job().payment_method === "cash" ? job().amount_to_collect : 0));
  /** What was received: of another amount nothing is known. */
  const received = signal(0);
  const code = h("input", { id: `code-${job().id}`, inputmode: "numeric", maxlength: 16, autocomplete: "off" });
  /** @param {string} step */
  const go = async (step) => {
    const words = needsCode() ? { start_code: code.value.trim() } : {};
    await tell(desk, "job.advance", { booking_id: job().id, step, ...words }, () => step === "completed" ? desk.api.post(`${base}/complete`) : desk.api.patch(`${base}/status`, { status: step, ...words }));
    if (step === "completed") toast(`Done. You earned ${money(job().partner_earning, job().currency)}.`);
    await desk.fresh();
  };
  return h("div", { class: "stack tight next" },
    () => needsCode() && h("div", { class: "field" }, h("label", { for: code.id }, "The code that the customer shows"), code),
    () => due() > 0 && untracked(() => h("label", { class: "row cash" }, h("input", { type: "checkbox", checked: received() === due(), onchange: (/** @type {any} */ e) => received.set(e.target.checked ? due() : 0) }), "I have received ", h("strong", { class: "money" }, money(due(), job().currency)), " in cash")),
    () => {
      const [step, word] = NEXT[state()] ?? [];
      return step && word && deed(word, () => go(step), { class: "primary wide", disabled: () => due() > 0 && received() !== due(), failed: desk.read });
    });
}

/** @param {Desk} desk @param {string} base */
function giveBack(desk, base) {
  const reason = h("textarea", { rows: 2, maxlength: 500, "aria-label": "Why you give it back" });
  const has = signal(false);
  reason.addEventListener("input", () => has.set(Boolean(reason.value.trim())));
  return [h("p", null, "It goes to somebody else, and is counted. Say why:"), reason,
    deed("Give it back", async () => (await desk.api.post(`${base}/cancel`, { reason: reason.value.trim() }), desk.fresh()), { class: "danger", disabled: () => !has() })];
}
