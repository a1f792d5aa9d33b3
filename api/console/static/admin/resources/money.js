// What goes out and what is taken off: payouts, promo codes, the platform's plans for providers.
import { h, said } from "../../lib/dom.js";
import { chip, tag, yesNo } from "../../lib/chips.js";
import { money, number, words } from "../../lib/format.js";
import { column, when } from "../kit.js";

/** @typedef {import("../kit.js").Shape} Shape */

const PAYOUT = "/v1/admin/payouts/{id}";
const OPEN = ["pending", "processing"];
/** Which kind of caller: who it was stands in the audit. @param {any} p */
const askedBy = (p) => String(p.requested_by ?? "").split(":")[0] ?? "";

/** @type {Shape} */
export const payouts = {
  noun: "payout", key: "payouts", one: PAYOUT, exports: "/v1/admin/payouts/export", none: "No payouts yet",
  filters: ["status", "kind", "payment_method", "date_from", "date_to"],
  columns: [
    column("Payout", (p) => h("span", { class: "tabular" }, p.payout_number)),
    column("Status", (p) => chip(p.status)),
    column("To", (p) => said(p.partner.name)),
    column("Kind", (p) => tag(words(p.partner.kind))),
    column("Asked for by", (p) => words(askedBy(p))),
    column("By", (p) => words(p.payment_method)),
    column("Amount", (p) => h("span", { class: "money" }, money(p.net_amount, p.currency)), { isNumber: true, sort: "amount" }),
    column("When", (p) => when(p.created_at), { sort: "created_at" }),
  ],
  heading: (p) => p.payout_number,
  status: (p) => chip(p.status),
  facts: (p) => [
    ["To", p.partner.kind === "technician" ? h("a", { href: `/admin/technicians/${p.partner.id}` }, said(p.partner.name)) : h("a", { href: `/admin/providers/${p.partner.id}` }, said(p.partner.name))],
    ["Asked for by", words(askedBy(p))],
    ["By", words(p.payment_method)],
    ["Total", money(p.total_amount, p.currency)],
    ["Commission kept", money(p.commission_deduction, p.currency)],
    ["Cash already in hand", money(p.cash_offset, p.currency)],
    ["To be sent", h("strong", null, money(p.net_amount, p.currency))],
    ["Jobs in it", number(p.earnings_ids.length)],
    ["Bank reference", p.bank_transaction_id && said(p.bank_transaction_id)],
    ["UPI reference", p.upi_transaction_id && said(p.upi_transaction_id)],
    ["Failed because", p.failure_reason && said(p.failure_reason)],
    ["Notes", p.notes && said(p.notes)],
    ["Made", when(p.created_at)],
    ["Sent", p.processed_at && when(p.processed_at)],
  ],
  create: { without: ["earnings_ids"], isLong: ["notes"], labels: { partner_id: "Technician", amount: "Amount (empty: everything due)" } },
  actions: [
    { label: "Mark as sent", method: "POST", path: `${PAYOUT}/process`, look: "primary", when: (p) => OPEN.includes(p.status), form: { isLong: ["notes"], labels: { bank_transaction_id: "Bank reference", upi_transaction_id: "UPI reference" } }, done: "Sent." },
    { label: "Mark as failed", method: "POST", path: `${PAYOUT}/fail`, look: "danger", when: (p) => OPEN.includes(p.status), form: { isLong: ["failure_reason"] } },
    { label: "Came back", method: "POST", path: `${PAYOUT}/returned`, look: "danger", when: (p) => p.status === "completed" && p.net_amount > 0, form: { isLong: ["failure_reason"], labels: { failure_reason: "What the bank says" } }, done: "It is owed again." },
  ],
};

/** What people ask for, and nobody has sent yet. @type {Shape} */
export const payoutRequests = { ...payouts, fixed: { status: "pending,processing" }, filters: ["kind", "payment_method", "date_from", "date_to"], none: "Nobody waits for money", create: undefined, exports: undefined };

const PROMO = "/v1/admin/promo-codes/{id}";
/** @type {Shape} */
export const promos = {
  noun: "promo code", key: "promo_codes", one: PROMO, pick: (answer) => answer.promo_code, exports: "/v1/admin/promo-codes/export",
  none: "No codes yet", filters: ["is_active", "is_current", "discount_type"],
  columns: [
    column("Code", (p) => h("strong", { class: "code-word" }, p.code), { sort: "code" }),
    column("", (p) => (p.is_active ? chip("active") : chip("off", { label: "Off" }))),
    column("Takes off", (p) => off(p), { isNumber: true }),
    column("From an order of", (p) => (p.min_order_amount ? money(p.min_order_amount, p.currency) : "any"), { isNumber: true }),
    column("Used", (p) => `${number(p.used_count)}${p.total_usage_limit ? ` of ${number(p.total_usage_limit)}` : ""}`, { isNumber: true }),
    column("Until", (p) => when(p.valid_until), { sort: "valid_until" }),
    column("What", (p) => said(p.description)),
  ],
  heading: (p) => p.code,
  status: (p) => (p.is_active ? chip("active") : chip("off", { label: "Off" })),
  facts: (p) => [
    ["Takes off", off(p)], ["At most", p.max_discount && money(p.max_discount, p.currency)], ["From an order of", p.min_order_amount && money(p.min_order_amount, p.currency)],
    ["Used", number(p.used_count)], ["Uses in all", number(p.total_usage_limit)], ["Uses a person", number(p.usage_limit)], ["Currency", p.currency],
    ["From", when(p.valid_from)], ["Until", when(p.valid_until)], ["What", said(p.description)],
  ],
  create: { isLong: ["description"] },
  actions: [
    { label: "Edit", method: "PATCH", path: PROMO, isEdit: true, form: { isLong: ["description"] } },
    { label: "Switch off", method: "PATCH", path: PROMO, when: (p) => p.is_active, body: { is_active: false }, undo: () => ({ is_active: true }), done: "Off." },
    { label: "Switch on", method: "PATCH", path: PROMO, when: (p) => !p.is_active, body: { is_active: true }, undo: () => ({ is_active: false }), done: "On." },
  ],
  batch: [
    { label: "Switch on", path: "/v1/admin/promo-codes/batch", item: (p) => ({ id: p.id, is_active: true }) },
    { label: "Switch off", path: "/v1/admin/promo-codes/batch", item: (p) => ({ id: p.id, is_active: false }) },
  ],
};

/** @param {any} p */
const off = (p) => (p.discount_type === "percentage" ? `${p.discount_value} %` : money(p.discount_value, p.currency));

const PLAN = "/v1/admin/provider-plans/{id}";
/** @type {Shape} */
export const plans = {
  noun: "plan", key: "", none: "No plans yet",
  columns: [
    column("Name", (p) => said(p.name)), column("", (p) => yesNo(p.is_active, ["Offered", "Not offered"])),
    column("A month", (p) => money(p.monthly_price, p.currency), { isNumber: true }), column("A year", (p) => money(p.yearly_price, p.currency), { isNumber: true }),
    column("With", (p) => said(p.features.join(", "))),
  ],
  facts: (p) => [["A month", money(p.monthly_price, p.currency)], ["A year", money(p.yearly_price, p.currency)], ["With", said(p.features.join(", "))], ["Offered", yesNo(p.is_active)]],
  create: {},
  actions: [
    { label: "Edit", method: "PATCH", path: PLAN, isEdit: true },
    { label: "Delete", method: "DELETE", path: PLAN, look: "danger", isSlow: true, leaves: true },
  ],
};
