// What the pages of customers and technicians have in common: words for states, times of a visit, amounts, places.
import { h, said } from "../lib/dom.js";
import { now } from "../lib/boot.js";
import { isoDay, money, visitTime } from "../lib/format.js";
import { setQuery } from "../lib/address.js";

/** @typedef {import("../lib/dom.js").Child} Child */

/** @type {Record<string, [string, string]>} */
const STATUS = {
  pending: ["info", "Looking for somebody"], partner_assigned: ["info", "Asking a technician"], confirmed: ["good", "Confirmed"],
  assigned: ["info", "Offered to you"], accepted: ["good", "Confirmed"], in_transit: ["info", "On the way"], arrived: ["info", "At the door"],
  in_progress: ["info", "In progress"], completed: ["good", "Done"], cancelled: ["bad", "Cancelled"], refunded: ["plain", "Refunded"],
  booked: ["info", "Booked"], rejected: ["plain", "Rejected"], expired: ["warn", "Missed"], withdrawn: ["plain", "Withdrawn"],
};

/** The steps of a visit, in their order. @type {Record<string, string>} */
export const STEP_WORDS = {
  booked: "Booked", accepted: "A technician has accepted", in_transit: "On the way", arrived: "At the door", in_progress: "Work has begun", completed: "Done",
};

/** @param {string | null | undefined} state */
export const statusWord = (state) => STATUS[state ?? ""]?.[1] ?? (state ?? "–");

/** @param {string | null | undefined} state */
export const statusChip = (state) => h("span", { class: ["chip", STATUS[state ?? ""]?.[0]] }, statusWord(state));

/** @type {Record<string, [string, string]>} */
const PAYMENT = {
  pending: ["warn", "Not paid yet"], paid: ["good", "Paid"], failed: ["bad", "Payment failed"], refunded: ["plain", "Refunded"],
  partially_refunded: ["plain", "Partly refunded"],
};

/** @param {{payment_status: string, payment_method: string, status: string}} booking */
export function paymentChip(booking) {
  if (booking.payment_method === "cash" && booking.payment_status === "pending") return h("span", { class: "chip plain" }, booking.status === "cancelled" ? "Nothing was paid" : "Cash at the door");
  if (booking.payment_method === "account") return h("span", { class: "chip plain" }, "On account");
  const [kind, text] = PAYMENT[booking.payment_status] ?? ["plain", booking.payment_status];
  return h("span", { class: ["chip", kind] }, text);
}

/** Days from today on, as the place's calendar has them: {value: "2026-01-05", label: "today"}. @param {number} count @param {string} [timezone] */
export function nextDays(count, timezone) {
  const today = Date.parse(isoDay(now(), timezone));
  return Array.from({ length: count }, (_, n) => {
    const value = new Date(today + n * 86_400_000).toISOString().slice(0, 10);
    return { value, label: ["today", "tomorrow"][n] ?? dayName(value) };
  });
}

const dayFormat = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });

/** A day of the calendar, wherever it is read. @param {string} date such as "2026-01-05" */
export const dayName = (date) => dayFormat.format(Date.parse(date));

/** Between the pages of a list, the newest first. @param {{page: number, total_pages: number}} pages */
export const pager = ({ page, total_pages }) => total_pages > 1 && h("nav", { class: "pager", "aria-label": "Pages" },
  h("button", { disabled: page <= 1, onclick: () => setQuery({ page: String(page - 1) }) }, "Newer"), h("span", { class: "tabular" }, `${page} of ${total_pages}`),
  h("button", { disabled: page >= total_pages, onclick: () => setQuery({ page: String(page + 1) }) }, "Older"));

/** @param {any} address */
export function addressLines(address) {
  const second = [address.city, address.state, address.pincode].filter(Boolean).join(", ");
  return h("span", { class: "address" }, [address.address_line1, address.address_line2].filter(Boolean).map((line) => [said(line), h("br", null)]), said(second));
}

/** @param {{name: string, quantity: number}[]} services */
export const serviceNames = (services) => services.map((s, n) => [n > 0 && ", ", said(s.name), s.quantity > 1 && ` × ${s.quantity}`]);

/** Lines of money; what is nothing is left out unless it is the sum. @param {[string, number | null | undefined, ("sum" | "minus")?][]} lines @param {string} currency */
export const sums = (lines, currency) => h("dl", { class: "sums" }, lines.map(([label, amount, kind]) => (amount || kind === "sum") && h("div", { class: kind === "sum" ? "sum" : null },
  h("dt", null, label), h("dd", { class: "money" }, kind === "minus" ? "− " : "", money(amount ?? 0, currency)))));

/**
 * The way of a visit: what was reached, what comes next.
 * @param {{label: string, at: string | null, isReached: boolean}[]} steps @param {string} [timezone]
 */
export function steps(steps, timezone) {
  const here = steps.findLastIndex((step) => step.isReached);
  return h("ol", { class: "steps" }, steps.map((step, n) => h("li", { class: n < here ? "done" : n === here ? "here" : "ahead", "aria-current": n === here ? "step" : null },
    h("span", { class: "step-name" }, step.label), h("span", { class: "faint step-at" }, step.at ? visitTime(step.at, timezone) : ""))));
}

/** What was chosen lies in the browser until it is done, so that a reload loses nothing. @param {string} key */
export function draft(key) {
  const place = `dispatch.draft.${key}`;
  return {
    /** @returns {any} */
    read() {
      try {
        return JSON.parse(sessionStorage.getItem(place) ?? "{}") ?? {};
      } catch {
        return {};
      }
    },
    /** @param {any} value */
    keep: (value) => sessionStorage.setItem(place, JSON.stringify(value)),
    forget: () => sessionStorage.removeItem(place),
  };
}
