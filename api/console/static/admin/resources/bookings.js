// Bookings, the queue of those that nobody was found for, and what there is to do about them.
import { h, said } from "../../lib/dom.js";
import { chip, tag, yesNo } from "../../lib/chips.js";
import { distance, money, number, words } from "../../lib/format.js";
import { view } from "../../lib/view.js";
import { bookingColumns, placeOf } from "../cells.js";
import { column, dataOf, factsOf, plainTable, section, when } from "../kit.js";
import { mayDo } from "../rights.js";

/** @typedef {import("../kit.js").Shape} Shape */
/** @typedef {import("../kit.js").Office} Office */

const ONE = "/v1/admin/bookings/{id}";
const OVER = ["completed", "cancelled", "refunded"];

const cost = {
  path: "/v1/admin/bookings/{id}/cancellation",
  /** @param {Office} office @param {any} b */
  view: (office, b) => view((abort) => office.api.get(`/v1/admin/bookings/${b.id}/cancellation`, {}, abort), (quote) => h("div", { class: "stack tight" },
    factsOf([
      ["Paid, and can go back", money(b.detail.payment.refundable, quote.currency)],
      ["The customer would pay a fee of", money(quote.fee, quote.currency)],
      ["And get back", money(quote.refund, quote.currency)],
      ["Free until", when(quote.free_until, b.timezone)],
    ]),
    h("p", { class: "help" }, "Staff cancel free of charge: everything goes back unless a smaller amount is written below."),
  ))[0],
};

/** @param {any} detail */
const flat = (detail) => ({ ...detail.booking, detail });

/** @type {Shape} */
export const bookings = {
  noun: "booking", key: "bookings", one: ONE, pick: flat,
  exports: "/v1/admin/bookings/export", none: "No bookings yet", columns: bookingColumns,
  filters: ["status", "payment_status", "payment_method", "date_from", "date_to", "service_category", "is_queued", "is_assigned"],
  heading: (b) => b.booking_number,
  status: (b) => [chip(b.status), chip(b.payment_status), b.queued_at && chip("queued", { label: "In the queue" })],
  facts: (b) => [
    ["When", when(b.starts_at, b.timezone)],
    ["Customer", h("a", { href: `/admin/users/${b.user.id}` }, said(b.user.name ?? b.user.phone_number))],
    ["Phone", said(b.contact.phone ?? b.user.phone_number)],
    ["Technician", b.partner ? h("a", { href: `/admin/technicians/${b.partner.id}` }, said(b.partner.name)) : h("span", { class: "faint" }, "nobody yet")],
    ["Place", placeOf(b.address)],
    ["Total", money(b.grand_total, b.currency)],
    ["Paid by", words(b.payment_method)],
    ["Promo code", b.promo_code && said(b.promo_code)],
    ["Start code", b.start_code],
    ["Priority", number(b.assignment_priority)],
    ["Finds a technician by itself", yesNo(b.auto_assignment_enabled)],
    ["Why it waits", b.queue_reason && words(b.queue_reason)],
    ["Rating", b.rating && `${b.rating} of 5`],
    ["Feedback", b.feedback && said(b.feedback)],
    ["Cancelled", b.cancellation && [when(b.cancellation.cancelled_at, b.timezone), " by ", words(b.cancellation.cancelled_by), ": ", said(b.cancellation.reason)]],
    ["Fee kept", b.cancellation?.fee ? money(b.cancellation.fee, b.currency) : null],
  ],
  sections: [services, payments, explanation, timeline],
  actions: [
    { label: "Assign", method: "POST", path: `${ONE}/assign-partner`, look: "primary", when: (b) => !OVER.includes(b.status), form: { labels: { partner_id: "Technician (empty: find one)", force: "Even if busy, off duty or far away" } }, done: "Asked." },
    { label: "Reschedule", method: "POST", path: `${ONE}/reschedule`, when: (b) => !OVER.includes(b.status) && b.status !== "in_progress", value: (b) => ({ booking_date: b.booking_date, booking_time: b.booking_time?.slice(0, 5) }), undo: (b) => ({ booking_date: b.booking_date, booking_time: b.booking_time }) },
    { label: "Priority", method: "PATCH", path: ONE, isEdit: true, when: (b) => !OVER.includes(b.status), form: { labels: { auto_assignment_enabled: "Finds a technician by itself" } } },
    { label: "Change status", method: "PATCH", path: `${ONE}/status`, when: (b) => b.status !== "refunded", form: { isLong: ["notes"] } },
    { label: "Refund", method: "POST", path: `${ONE}/refund`, when: (b) => b.detail.payment.refundable > 0, value: (b) => ({ amount: b.detail.payment.refundable }), form: { isLong: ["notes"], labels: { refund_to_wallet: "Into the customer's wallet" } }, intro: (_, b) => h("p", { class: "help" }, `Up to ${money(b.detail.payment.refundable, b.currency)} can be given back.`) },
    { label: "Invoice", method: "GET", path: `${ONE}/invoice`, download: "file", when: (b) => b.status === "completed" },
    { label: "Cancel booking", method: "POST", path: `${ONE}/cancel`, look: "danger", when: (b) => !OVER.includes(b.status), intro: (office, b) => mayDo(office, "GET", cost.path) && cost.view(office, b), form: { isLong: ["reason"], labels: { refund_amount: "Give back (empty: everything)", refund_to_wallet: "Into the customer's wallet" } }, done: "Cancelled." },
  ],
  batch: [
    { label: "Find technicians", path: "/v1/admin/bookings/batch/assign", item: (b) => ({ id: b.id }) },
    { label: "Cancel", path: "/v1/admin/bookings/batch/status", item: (b) => ({ id: b.id, status: "cancelled" }), isSlow: true },
  ],
};

/** @param {Office} _ @param {any} b */
function services(_, b) {
  return section("Services", h("div", { class: "list" }, plainTable([
    column("Service", (s) => said(s.name)),
    column("Tier", (s) => tag(s.tier)),
    column("Minutes", (s) => number(s.duration_minutes), { isNumber: true }),
    column("Quantity", (s) => number(s.quantity), { isNumber: true }),
    column("Price", (s) => money(s.charged_price, b.currency), { isNumber: true }),
  ], b.services), h("dl", { class: "sums" }, [["Subtotal", b.pricing.subtotal], ["Saved", -b.pricing.savings], ["Discount", -b.pricing.discount], ["Tax", b.pricing.tax], ["Outstanding fee", b.outstanding_fee], ["From the wallet", -b.wallet_amount], ["Total", b.pricing.grand_total], ["Still to collect", b.amount_to_collect]].filter(([, sum], n) => sum || n === 6).map(([label, sum]) => h("div", null, h("dt", null, label), h("dd", { class: "money" }, money(Number(sum), b.currency)))))));
}

/** @param {Office} office @param {any} b */
function payments(office, b) {
  const { payments: made, refunds } = b.detail.payment;
  if (!made.length && !refunds.length) return null;
  return section("Money",
    made.length > 0 && h("div", { class: "list" }, plainTable([
      column("Payment", (p) => words(p.kind)),
      column("Status", (p) => chip(p.status)),
      column("Amount", (p) => money(p.amount, p.currency), { isNumber: true }),
      column("Captured", (p) => money(p.captured, p.currency), { isNumber: true }),
      column("Given back", (p) => money(p.refunded, p.currency), { isNumber: true }),
      column("Reference", (p) => said(p.razorpay_payment_id ?? p.razorpay_order_id)),
      column("When", (p) => when(p.captured_at, b.timezone)),
    ], made)),
    refunds.length > 0 && mayDo(office, "GET", `${ONE}/refunds`) && h("div", { class: "list" }, plainTable([
      column("Refund", (r) => said(r.reason)),
      column("Status", (r) => chip(r.status)),
      column("Amount", (r) => money(r.refund_amount, r.currency), { isNumber: true }),
      column("To", (r) => (r.to_wallet ? "Wallet" : "Where it came from")),
      column("Asked for", (r) => when(r.created_at, b.timezone)),
      column("Settled", (r) => when(r.settled_at, b.timezone)),
    ], refunds)),
  );
}

/** Who was looked at, who was asked, and why not the others. @param {Office} office @param {any} b */
function explanation(office, b) {
  if (!mayDo(office, "GET", `${ONE}/dispatch`)) return null;
  const [place] = view((abort) => office.api.get(`/v1/admin/bookings/${b.id}/dispatch`, {}, abort), (found) => [
    found.offers.length > 0 && h("div", { class: "list" }, plainTable([
      column("Offer to", (o) => said(o.partner_name)),
      column("State", (o) => chip(o.state)),
      column("Round", (o) => `${o.round}${o.attempt ? `.${o.attempt}` : ""}`),
      column("Made", (o) => when(o.made_at, b.timezone)),
      column("Answered", (o) => when(o.answered_at, b.timezone)),
      column("Reason", (o) => (o.reason ? said(words(o.reason)) : said(null))),
    ], found.offers)),
    found.attempts.map((/** @type {any} */ look) => h("details", { class: "card look" },
      h("summary", null, h("span", null, `Round ${look.round}: ${words(look.outcome)}`), h("span", { class: "faint" }, ` ${number(look.candidates.length)} looked at within ${distance(look.radius_m)}`)),
      look.candidates.length > 0 && plainTable([
        column("Technician", (c) => said(c.partner_name ?? c.name)),
        column("", (c) => (c.reason ? chip(c.reason, { tone: "" }) : chip("fits", { tone: "good", label: c.rank ? `No. ${c.rank}` : "Fits" }))),
        column("Distance", (c) => distance(c.distance_m), { isNumber: true }),
        column("Score", (c) => (c.score === null || c.score === undefined ? "–" : c.score.toFixed(2)), { isNumber: true }),
      ], look.candidates),
    )),
    !found.offers.length && !found.attempts.length && h("p", { class: "faint pad" }, "Nobody has been looked for yet."),
  ]);
  return section("How a technician is found", place);
}

/** @param {Office} _ @param {any} b */
function timeline(_, b) {
  return section("Timeline", h("ol", { class: "timeline card" }, b.detail.timeline.map((/** @type {any} */ e) => h("li", null,
    h("div", { class: "row between" }, h("strong", null, words(e.action)), when(e.timestamp, b.timezone)),
    h("p", { class: "faint" }, "by ", words(e.by)),
    dataOf(e.data) && h("details", null, h("summary", null, "More"), dataOf(e.data)),
  ))));
}

/** @type {Shape} */
export const queue = {
  noun: "booking", key: "pending_assignments", isShown: false,
  none: "Nobody is waiting", filters: ["status", "priority", "date_from", "date_to"],
  columns: [
    column("Booking", (q) => h("a", { href: `/admin/bookings/${q.booking_id}`, class: "tabular" }, q.booking_number)),
    column("Status", (q) => chip(q.status)),
    column("When", (q) => when(q.starts_at, q.timezone)),
    column("Why", (q) => (q.reason ? words(q.reason) : "Being looked for")),
    column("Next look", (q) => when(q.next_action_at, q.timezone)),
    column("Place", (q) => placeOf(q.address)),
    column("Priority", (q) => number(q.priority), { isNumber: true }),
  ],
};

/** Bookings of which money went back. @type {Shape} */
export const refunds = {
  ...bookings, fixed: { payment_status: "refunded,partially_refunded" }, none: "Nothing was given back yet", batch: [],
  filters: ["status", "payment_method", "date_from", "date_to"],
};

/** @type {Shape} */
export const alerts = {
  noun: "alert", key: "alerts", one: "/v1/admin/alerts/{id}", none: "Nothing needs anybody",
  filters: ["status", "type", "date_from", "date_to"],
  columns: [
    column("What", (a) => said(a.message)),
    column("Kind", (a) => tag(words(a.type))),
    column("Status", (a) => chip(a.status, { tone: a.status === "open" ? "warn" : "good" })),
    column("Booking", (a) => (a.booking_id ? h("a", { href: `/admin/bookings/${a.booking_id}` }, a.booking_number) : said(null))),
    column("Since", (a) => when(a.created_at, a.timezone), { sort: "created_at" }),
  ],
  heading: (a) => words(a.type),
  status: (a) => chip(a.status, { tone: a.status === "open" ? "warn" : "good" }),
  facts: (a) => [
    ["What", said(a.message)],
    ["Booking", a.booking_id && h("a", { href: `/admin/bookings/${a.booking_id}` }, a.booking_number)],
    ["Technician", a.partner_id && h("a", { href: `/admin/technicians/${a.partner_id}` }, said(a.partner_name))],
    ["About", a.subject && said(a.subject)],
    ["Since", when(a.created_at, a.timezone)],
    ["Resolved", a.resolved_at && when(a.resolved_at, a.timezone)],
  ],
  actions: [
    { label: "Resolve", method: "POST", path: "/v1/admin/alerts/{id}/resolve", look: "primary", when: (a) => a.status === "open", form: { isLong: ["note"] } },
    { label: "Try again", method: "POST", path: "/v1/admin/alerts/{id}/retry", when: (a) => a.can_retry, done: "It is tried again, and the alert ends by itself when that works." },
  ],
};
