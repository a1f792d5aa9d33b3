// One booking: followed live, paid, shared, moved, cancelled with its price, rated.
import { computed, effect, every, onEnd, signal, untracked } from "../lib/state.js";
import { h, said } from "../lib/dom.js";
import { view } from "../lib/view.js";
import { go } from "../lib/address.js";
import { setNow } from "../lib/boot.js";
import { money, secondsUntil, visitTime } from "../lib/format.js";
import { toast } from "../lib/toast.js";
import { Problem } from "../lib/api.js";
import { isPassing } from "../lib/problems.js";
import { addressLines, paymentChip, serviceNames, statusChip, STEP_WORDS, steps, sums } from "../people/common.js";
import { etaLine, followMap } from "../people/followmap.js";
import { deed } from "../people/deeds.js";
import { cancelling, moving, rating, sharing } from "./deeds.js";
import { openCheckout } from "../people/pay.js";

/** @typedef {import("../lib/api.js").Client} Client */
/** @typedef {import("../lib/socket.js").Socket} Socket */
/** @typedef {import("../lib/state.js").Signal<any>} Last the booking as it was read last */

const SHOWN = new Set(["in_transit", "arrived", "in_progress"]);
const OPEN = new Set(["pending", "partner_assigned", "confirmed"]);

/** The fact that means a step. @type {Record<string, string>} */
const FACTS = {
  booked: "booking.created", accepted: "partner.accepted", in_transit: "partner.in_transit", arrived: "partner.arrived",
  in_progress: "service.started", completed: "booking.completed",
};

/** @param {Client} api @param {Socket} socket @param {string} id */
export function detail(api, socket, id) {
  const isPaying = signal(false);
  const last = signal(/** @type {any} */ (null));
  const [body, again] = view(async (abort) => {
    const [booking, events] = await Promise.all([api.get(`/v1/bookings/${id}`, {}, abort), api.get(`/v1/bookings/${id}/timeline`, {}, abort)]);
    return { booking, events };
  }, /** @returns {Element} */ ({ booking, events }) => {
    last.set(booking);
    return shown(api, booking, events, map, again, isPaying);
  });
  const map = following(socket, id, last, again);
  askWhenItCosts(last, again);
  isPaying.set(returnedFromPaying(api, id, () => (isPaying.set(false), again())));
  return h("div", { class: "narrow middle stack" }, h("p", null, h("a", { href: "/bookings" }, "← My bookings")), body, deeds(api, last, again));
}

/** What is free to cancel is so until a moment at which nobody tells anything. @param {Last} last @param {() => void} again */
function askWhenItCosts(last, again) {
  let wasFree = false;
  every(1000, () => {
    const until = last.peek()?.cancellation_quote?.free_until;
    const isFree = Boolean(until) && secondsUntil(until) > 0;
    if (until && wasFree && !isFree) again();
    wasFree = isFree;
  });
}

/**
 * Where the technician is, from the socket. It is made once for all readings of the booking: a map stays as somebody has moved it.
 * @param {Socket} socket @param {string} id @param {Last} last @param {() => void} again
 */
function following(socket, id, last, again) {
  const position = signal(/** @type {any} */ (null));
  const jobState = computed(() => last()?.partner?.status ?? "");
  const soon = gathered(again);
  const start = async () => {
    const answer = await socket.emit("track.start", { booking_id: id });
    if (answer?.ok) position.set(answer.data.technician);
  };
  onEnd(socket.on("connect", () => (void start(), soon())));
  onEnd(socket.on("technician.moved", (told) => told.booking_id === id && (setNow(told.at), position.set(told))));
  onEnd(socket.on("booking.updated", (fact) => {
    if (fact.booking_id !== id) return;
    if (["partner.in_transit", "partner.accepted", "partner.arrived", "service.started"].includes(fact.event)) void start();
    soon();
  }));
  onEnd(socket.on("reset", soon));
  effect(() => {
    if (jobState() && !SHOWN.has(jobState())) position.set(null);
  });
  if (socket.standing.peek() === "live") void start();
  onEnd(() => void socket.emit("track.stop", { booking_id: id }));
  const isKnown = computed(() => Boolean(last() && position()));
  return h("section", { class: "card stack", "aria-label": "Follow" }, etaLine(position, jobState), () => {
    if (!isKnown()) return null;
    const { lat, lng } = last.peek().address;
    return h("div", { class: "map-frame" }, followMap(position, (lat ?? null) === null ? null : { lat, lng }));
  });
}

/** Several facts of one change are one reading. @param {() => void} work */
export function gathered(work) {
  let timer = 0;
  onEnd(() => clearTimeout(timer));
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, 150);
  };
}

/** @param {Client} api @param {any} b @param {any[]} events @param {Element} map @param {() => void} again @param {() => boolean} isPaying */
function shown(api, b, events, map, again, isPaying) {
  const isLive = SHOWN.has(b.partner?.status) && b.status !== "cancelled";
  return h("div", { class: "stack" },
    h("div", { class: "row between" }, h("h1", null, serviceNames(b.services)), statusChip(b.partner?.status && OPEN.has(b.status) || b.status === "in_progress" ? b.partner.status : b.status)),
    h("p", { class: "lead" }, h("time", null, visitTime(b.starts_at, b.timezone)), " · ", h("span", { class: "tabular" }, b.booking_number)),
    isLive && map,
    toPay(api, b, again, isPaying),
    b.start_code && OPEN.has(b.status) && h("p", { class: "notice" }, "Tell the technician this code at the door: ", h("strong", { class: "start-code" }, b.start_code)),
    b.cancellation && h("section", { class: "card" }, h("h2", null, "Cancelled"), sums([["Cancellation fee", b.cancellation.fee], ["Comes back to you", b.cancellation.refund_amount, "sum"]], b.currency), b.cancellation.reason && h("p", { class: "faint" }, said(b.cancellation.reason))),
    h("div", { class: "halves" },
      h("section", { class: "card" }, h("h2", null, "Steps"), progress(b, events)),
      h("div", { class: "stack" },
        b.partner && h("section", { class: "card stack tight" }, h("h2", null, "Your technician"),
          h("p", { class: "row" }, h("span", { class: "avatar", "aria-hidden": "true" }, [...(b.partner.name ?? "?")][0]?.toUpperCase()), h("strong", null, said(b.partner.name)), b.partner.rating && h("span", { class: "faint tabular" }, `★ ${b.partner.rating.toFixed(1)}`)),
          b.partner.phone && h("a", { class: "button", href: `tel:${b.partner.phone}` }, "Call ", b.partner.phone)),
        h("section", { class: "card" }, h("h2", null, "Where"), addressLines(b.address), h("p", { class: "faint" }, said(b.contact?.name), " · ", said(b.contact?.phone))),
        h("section", { class: "card stack tight" }, h("div", { class: "row between" }, h("h2", null, "Price"), paymentChip(b)), price(b)),
      )));
}

/**
 * What can be done now. Each is made anew only when what it shows changes: what was begun in it stays.
 * @param {Client} api @param {Last} last @param {() => void} again
 */
function deeds(api, last, again) {
  const isOpen = () => OPEN.has(last()?.status);
  const rated = computed(() => {
    const b = last();
    // A visit that was paid back afterwards has taken place all the same.
    return b && (b.status === "completed" || (b.status === "refunded" && !b.cancellation)) && `done, ${b.rating}`;
  });
  const canShare = computed(() => isOpen() || last()?.status === "in_progress");
  const movedFrom = computed(() => isOpen() && last().cancellation_quote && last().starts_at);
  const canCancel = computed(() => Boolean(last()?.cancellation_quote));
  return h("div", { class: "stack" },
    () => rated() && rating(api, untracked(last), again),
    () => canShare() && sharing(api, untracked(last)),
    () => movedFrom() && moving(api, untracked(last), again),
    () => canCancel() && cancelling(api, last, again));
}

/** @param {any} b */
const price = (b) => sums([
  ...b.services.map((/** @type {any} */ s) => /** @type {[string, number]} */ ([`${s.name}${s.quantity > 1 ? ` × ${s.quantity}` : ""}`, s.unit_price * s.quantity])),
  ["Saved", b.pricing.savings, "minus"], ["Promo", b.pricing.discount, "minus"], ["Tax", b.pricing.tax], ["Total", b.grand_total, "sum"],
  ["Owed from before", b.outstanding_fee], ["From your wallet", b.wallet_amount, "minus"], ["To pay at the door", b.amount_to_collect], ["Paid at the door", b.amount_collected],
], b.currency);

/** @param {any} b @param {any[]} events */
function progress(b, events) {
  const at = (/** @type {string} */ step) => events.findLast((e) => e.action === FACTS[step])?.timestamp ?? null;
  if (b.cancellation) return steps([{ label: "Booked", at: b.created_at, isReached: true }, { label: "Cancelled", at: b.cancellation.cancelled_at, isReached: true }], b.timezone);
  const order = Object.keys(STEP_WORDS);
  const is = b.status === "completed" || b.status === "refunded" ? "completed" : b.partner ? (b.partner.status ?? "accepted") : "booked";
  const here = order.indexOf(is);
  return steps(Object.entries(STEP_WORDS).map(([name, label], n) => ({ label: name === "accepted" && here < 1 ? (b.status === "partner_assigned" ? "Asking a technician" : "Looking for a technician") : label, at: n <= here ? at(name) : null, isReached: n <= here })), b.timezone);
}

/** An online booking that is not paid. @param {Client} api @param {any} b @param {() => void} again @param {() => boolean} isPaying */
function toPay(api, b, again, isPaying) {
  const isDue = b.payment_method === "online" && ["pending", "failed"].includes(b.payment_status) && OPEN.has(b.status);
  if (!isDue) return null;
  return h("section", { class: "card stack tight pay" },
    h("h2", null, "Not paid yet"),
    () => isPaying() ? h("p", { class: "notice", role: "status" }, "Your payment is being checked.") : h("p", null, b.payment_status === "failed" ? "The payment failed; nothing was taken. " : "", "A technician is looked for as soon as it is paid.",
      b.payment.expires_at ? ` The time is kept until ${visitTime(b.payment.expires_at, b.timezone)}.` : ""),
    h("div", { class: "actions" },
      deed(`Pay ${money((b.payment.amount ?? 0) / 100, b.currency)}`, () => openCheckout(api, b.id), { class: "primary" }),
      deed("Pay in cash at the door", async () => (await api.patch(`/v1/bookings/${b.id}/payment-method`, { payment_method: "cash" }), again()))));
}

/** What became of a payment, in the API's words for it. @type {Record<string, string>} */
const PAID_WORDS = {
  success: "Paid. Thank you.", failed: "The payment failed; nothing was taken.", refunded: "This payment goes back to you: it was not needed any more.",
};

/** Back from the gateway's page: its word is verified once, and goes from the address. @param {Client} api @param {string} id @param {() => void} done */
function returnedFromPaying(api, id, done) {
  const back = new URLSearchParams(location.search);
  const error = back.get("error[description]");
  const order = back.get("razorpay_order_id");
  if (!order && !error) return false;
  queueMicrotask(() => go(`/bookings/${id}`, { replace: true }));
  if (error) {
    toast(error, { isBad: true });
    return false;
  }
  const word = { razorpay_order_id: order, razorpay_payment_id: back.get("razorpay_payment_id"), razorpay_signature: back.get("razorpay_signature") };
  void verified(api, word).then(
    (status) => (toast(PAID_WORDS[status] ?? "The payment is being checked; this page will tell.", { isBad: status === "failed" }), done()),
    (problem) => (toast(problem instanceof Problem ? problem.message : "The payment could not be checked just now; it is not lost.", { isBad: true }), done()),
  );
  return true;
}

/**
 * The gateway's word is said once, for a person has few checks; what becomes of the payment is read after that. A server that
 * failed for a moment is told once more.
 * @param {Client} api @param {{razorpay_order_id: string | null}} word
 */
async function verified(api, word) {
  let left = 2;
  for (let n = 1; ; n++) {
    const asked = left <= 0
      ? api.get(`/v1/payments/${encodeURIComponent(word.razorpay_order_id ?? "")}/status`).then((payment) => payment.status)
      : api.post("/v1/payments/verify", word).then((done) => (left = 0, done.payment_status));
    const status = await asked.catch((error) => {
      // An answer was counted, whatever it says.
      if (error instanceof Problem) left = error.status < 500 ? 0 : left - 1;
      // No word, or no time for one: what became of it comes by the gateway as well.
      if (isPassing(error) || (error instanceof Problem && error.status === 429)) return "pending";
      throw error;
    });
    if (status !== "pending" || n >= 5) return status;
    await new Promise((ready) => setTimeout(ready, 1000 * n));
  }
}
