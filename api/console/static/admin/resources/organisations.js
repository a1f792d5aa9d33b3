// Companies, schools and councils that book for their people: the accounts, quotes, bills and support.
import { h, said } from "../../lib/dom.js";
import { chip, tag, yesNo } from "../../lib/chips.js";
import { counted, isoDay, money, number, words } from "../../lib/format.js";
import { newKey } from "../../lib/api.js";
import { column, dataOf, formOf, related, section, when } from "../kit.js";
import { mayDo } from "../rights.js";
import { toast, told } from "../../lib/toast.js";
import { now } from "../../lib/boot.js";

/** @typedef {import("../kit.js").Shape} Shape */
/** @typedef {import("../kit.js").Office} Office */

const ONE = "/v1/admin/organisations/{id}";
const TICKET = "/v1/admin/organisations/tickets/{id}";
const PAYMENTS = "/v1/admin/organisations/invoices/{id}/payments";
const REVERSE = `${PAYMENTS}/{payment_id}/reverse`;
/** The day now, by the clock of the place. */
const today = () => isoDay(now());

/** @type {Shape} */
export const organisations = {
  noun: "organisation", key: "organisations", one: ONE, none: "No organisations yet", filters: ["status", "type", "tier"],
  columns: [
    column("Name", (o) => said(o.name), { sort: "name" }), column("Code", (o) => o.code), column("Status", (o) => chip(o.status)), column("Kind", (o) => tag(words(o.type))),
    column("Tier", (o) => words(o.tier)), column("Members", (o) => number(o.members), { isNumber: true }), column("Since", (o) => when(o.created_at), { sort: "created" }),
  ],
  status: (o) => [chip(o.status), tag(words(o.tier))],
  facts: (o) => [
    ["Code", o.code], ["Kind", words(o.type)], ["Legal name", o.legal_name && said(o.legal_name)], ["Registration", o.registration_number && said(o.registration_number)], ["Tax number", o.tax_id && said(o.tax_id)],
    ["E-mail", said(o.registered_email)], ["Members", `${number(o.members)}${o.member_limit ? ` of ${number(o.member_limit)}` : ""}`], ["Account manager", o.account_manager && said(o.account_manager.name ?? o.account_manager.email)],
    ["Discount", `${o.volume_discount_percent} %`], ["Pays within", o.payment_terms_days && counted(o.payment_terms_days, "day")], ["Why", o.status_reason && said(o.status_reason)], ["Currency", o.currency], ["Time zone", o.timezone], ["Since", when(o.created_at)],
  ],
  sections: [
    onboarding,
    (office, o) => related(office, "Preferred providers", { path: `/v1/admin/organisations/${o.id}/preferred-providers`, operation: `${ONE}/preferred-providers`, key: "providers", none: "None.", columns: [column("Name", (p) => said(p.name)), column("Does", (p) => said(p.services.join(", "))), column("Agreed", (p) => said(p.agreed_discount)), column("Only they", (p) => yesNo(p.exclusivity))] }),
    (office, o) => related(office, "Bookings", { path: "/v1/admin/bookings", operation: "/v1/admin/bookings", key: "bookings", query: { organization_id: o.id }, open: (b) => `/admin/bookings/${b.id}`, none: "No bookings yet.", columns: [column("Booking", (b) => b.booking_number), column("Status", (b) => chip(b.status)), column("When", (b) => when(b.starts_at, b.timezone)), column("For", (b) => said(b.user?.name)), column("Total", (b) => money(b.grand_total, b.currency), { isNumber: true })] }),
    (office, o) => related(office, "Invoices", { path: "/v1/admin/organisations/invoices", operation: "/v1/admin/organisations/invoices", key: "invoices", query: { organisation: o.id }, open: (i) => `/admin/invoices/${i.id}`, none: "No invoices yet.", columns: [column("Invoice", (i) => i.invoice_number), column("Status", (i) => chip(i.status)), column("Due", (i) => i.due_on), column("Total", (i) => money(i.total, i.currency), { isNumber: true })] }),
  ],
  actions: [
    { label: "Verify", method: "POST", path: `${ONE}/verify`, look: "primary", when: (o) => o.status === "pending_verification", form: { isLong: ["note"] } },
    { label: "Status", method: "PATCH", path: `${ONE}/status`, form: { isLong: ["reason"] } },
    { label: "Tier", method: "PATCH", path: `${ONE}/tier`, value: (o) => o, undo: (o) => ({ tier: o.tier }) },
    { label: "Terms", method: "PATCH", path: `${ONE}/terms`, isEdit: true },
    { label: "Account manager", method: "PATCH", path: `${ONE}/account-manager`, form: { labels: { account_id: "Member of staff" } }, undo: (o) => ({ account_id: o.account_manager_id }) },
    { label: "Name another owner", method: "PUT", path: `${ONE}/owner` },
  ],
};

/** @param {Office} office @param {any} o @param {() => void} again */
function onboarding(office, o, again) {
  const path = `${ONE}/onboarding/{step}/reopen`;
  /** @param {string} step */
  const reopen = (step) => office.api.post(`/v1/admin/organisations/${o.id}/onboarding/${step}/reopen`).then(() => (toast("They are asked again."), again()), told);
  return section(`Onboarding, ${o.onboarding_progress} %`, h("div", { class: "stack tight" }, o.onboarding.map((/** @type {any} */ step) => h("details", { class: "card look" },
    h("summary", null, h("span", null, words(step.step)), chip(step.status)),
    dataOf(step.data) ?? h("p", { class: "faint" }, "Nothing yet."),
    step.status === "completed" && mayDo(office, "POST", path) && h("button", { onclick: () => void reopen(step.step) }, "Ask again"),
  ))));
}

/** @type {Shape} */
export const quotes = {
  noun: "quote", key: "quotes", none: "Nobody asks for a price", filters: ["status", "service_type"],
  columns: [
    column("Reference", (q) => h("span", { class: "tabular" }, q.reference_number)), column("Status", (q) => chip(q.status)), column("Organisation", (q) => said(q.organisation_name)), column("What", (q) => said(q.service_type)),
    column("Price", (q) => money(q.price, q.currency), { isNumber: true }), column("Valid until", (q) => q.valid_until ?? "–"), column("Asked", (q) => when(q.created_at), { sort: "created_at" }),
  ],
  heading: (q) => q.reference_number,
  status: (q) => chip(q.status),
  facts: (q) => [
    ["Organisation", h("a", { href: `/admin/organisations/${q.organisation_id}` }, said(q.organisation_name))], ["What", said(q.service_type)], ["Described as", said(q.description)], ["More", q.additional_info && said(q.additional_info)],
    ["Price", q.price !== null ? money(q.price, q.currency) : null], ["Valid until", q.valid_until], ["Terms", q.terms && said(q.terms)], ["Asked", when(q.created_at)], ["Answered", q.answered_at && when(q.answered_at)], ["Decided", q.decided_at && when(q.decided_at)],
  ],
  sections: [(_, q) => section("Wishes", h("div", { class: "card" }, dataOf({ ...q.requirements, ...(q.budget ? { budget: q.budget } : {}) }) ?? h("p", { class: "faint" }, "None.")))],
  actions: [{ label: "Answer", method: "POST", path: "/v1/admin/quotes/{id}/answer", look: "primary", when: (q) => ["pending", "requested", "open", "new"].includes(q.status), form: { isLong: ["terms"], labels: { service_id: "Service" } } }],
};

/** @type {Shape} */
export const invoices = {
  noun: "invoice", key: "invoices", none: "No invoices yet", filters: ["status", "date_from", "date_to"],
  columns: [
    column("Invoice", (i) => h("span", { class: "tabular" }, i.invoice_number)), column("Status", (i) => chip(i.status)), column("Organisation", (i) => said(i.organisation_name)), column("Due", (i) => i.due_on, { sort: "due_on" }),
    column("Total", (i) => money(i.total, i.currency), { isNumber: true }), column("Open", (i) => money(i.open, i.currency), { isNumber: true }),
  ],
  heading: (i) => i.invoice_number,
  status: (i) => chip(i.status),
  facts: (i) => [
    ["Organisation", h("a", { href: `/admin/organisations/${i.organisation_id}` }, said(i.organisation_name))], ["For", `${i.period_start} to ${i.period_end}`], ["Subtotal", money(i.subtotal, i.currency)], ["Discount", money(i.discount, i.currency)], ["Tax", money(i.tax, i.currency)],
    ["Total", h("strong", null, money(i.total, i.currency))], ["Paid", money(i.paid, i.currency)], ["Open", money(i.open, i.currency)], ["Issued", i.issued_on], ["Due", i.due_on], ["Paid on", i.paid_on],
  ],
  sections: [
    (office, i, again) => related(office, "Payments", { path: `/v1/admin/organisations/invoices/${i.id}/payments`, operation: PAYMENTS, none: "Nothing was paid yet.", columns: [column("By", (p) => words(p.method)), column("Reference", (p) => p.reference && said(p.reference)), column("Status", (p) => chip(p.status)), column("Recorded", (p) => when(p.created_at)), column("Amount", (p) => money(p.amount, p.currency), { isNumber: true }), column("Of it on this invoice", (p) => money(p.applied, p.currency), { isNumber: true }), column("", (p) => (p.reversed_at ? [chip("reversed", { label: "Taken back" }), " ", said(p.reversal_reason)] : takeBack(office, i, p, again)))] }),
  ],
  actions: [
    { label: "Record a payment", method: "POST", path: PAYMENTS, look: "primary", when: (i) => i.open > 0, value: (i) => ({ amount: i.open, paid_on: today() }) },
    { label: "PDF", method: "GET", path: "/v1/admin/organisations/invoices/{id}/pdf", download: "file" },
  ],
};

/** A transfer that was recorded by mistake, or that the bank took back. @param {Office} office @param {any} i @param {any} p @param {() => void} again */
const takeBack = (office, i, p, again) => p.method === "bank_transfer" && mayDo(office, "POST", REVERSE) && h("details", null, h("summary", null, "Take back"), formOf(office, "POST", REVERSE, {
  action: "Take back",
  submit: (values) => office.api.post(`/v1/admin/organisations/invoices/${i.id}/payments/${p.id}/reverse`, values, newKey()),
  done: () => (toast("The payment is taken back."), again()),
}));

/** @type {Shape} */
export const tickets = {
  noun: "ticket", key: "tickets", one: TICKET, none: "Nobody needs help", filters: ["status", "priority", "category"],
  columns: [
    column("Ticket", (t) => h("span", { class: "tabular" }, t.ticket_number)), column("Subject", (t) => said(t.subject)), column("Status", (t) => chip(t.status)), column("Priority", (t) => chip(t.priority, { tone: { urgent: "bad", critical: "bad", high: "warn" }[String(t.priority)] ?? "" })),
    column("Organisation", (t) => said(t.organisation_name)), column("With", (t) => said(t.assigned_name)), column("Due", (t) => when(t.due_at), { sort: "due_at" }),
  ],
  heading: (t) => said(t.subject),
  status: (t) => [chip(t.status), tag(words(t.priority))],
  facts: (t) => [
    ["Ticket", t.ticket_number], ["Organisation", h("a", { href: `/admin/organisations/${t.organisation_id}` }, said(t.organisation_name))], ["About", words(t.category)], ["Opened by", t.opened_by && said(t.opened_by)], ["With", said(t.assigned_name)],
    ["Booking", t.booking_id && h("a", { href: `/admin/bookings/${t.booking_id}` }, "open")], ["Due", when(t.due_at)], ["Answered", t.answered_at && when(t.answered_at)], ["Resolved", t.resolved_at && when(t.resolved_at)],
  ],
  sections: [(_, t) => section("Messages", h("div", { class: "thread" },
    message({ author: t.opened_by, message: t.description, created_at: t.created_at }),
    t.replies.map(message),
  ))],
  actions: [
    { label: "Reply", method: "POST", path: `${TICKET}/replies`, look: "primary", form: { isLong: ["message"], without: ["attachments"] } },
    { label: "Settle", method: "PATCH", path: TICKET, isEdit: true, form: { labels: { assigned_to: "With" } } },
  ],
};

/** @param {any} m */
const message = (m) => h("article", { class: ["card message", m.is_staff && "ours"] }, h("p", { class: "row between faint" }, said(m.author), when(m.created_at)), h("p", { class: "text" }, said(m.message)));

const CONTACT = "/v1/admin/contact-submissions/{id}";
/** @type {Shape} */
export const contact = {
  noun: "message", key: "submissions", one: CONTACT, pick: (answer) => answer.submission, none: "Nobody wrote", filters: ["status", "date_from", "date_to"],
  columns: [column("From", (c) => said(c.name)), column("Subject", (c) => said(c.subject ?? c.message.slice(0, 60))), column("Status", (c) => chip(c.status)), column("E-mail", (c) => said(c.email)), column("When", (c) => when(c.created_at), { sort: "created_at" })],
  heading: (c) => said(c.subject ?? c.name),
  status: (c) => chip(c.status),
  facts: (c) => [["From", said(c.name)], ["E-mail", said(c.email)], ["Phone", c.phone && said(c.phone)], ["Customer", c.user_id && h("a", { href: `/admin/users/${c.user_id}` }, "open")], ["When", when(c.created_at)], ["Notes", c.admin_notes && said(c.admin_notes)]],
  sections: [(_, c) => section("Message", message(c))],
  actions: [{ label: "Status and notes", method: "PATCH", path: CONTACT, look: "primary", value: (c) => c, undo: (c) => ({ status: c.status, ...(c.admin_notes ? { admin_notes: c.admin_notes } : {}) }), form: { isLong: ["admin_notes"] } }],
};

const TRAINING = "/v1/admin/organisations/training/{id}";
/** @type {Shape} */
export const training = {
  noun: "training", key: "", none: "No training yet",
  columns: [column("Title", (t) => said(t.title)), column("Kind", (t) => tag(words(t.type))), column("", (t) => yesNo(t.is_active, ["Shown", "Hidden"])), column("When", (t) => when(t.scheduled_at)), column("Minutes", (t) => number(t.duration_minutes), { isNumber: true })],
  heading: (t) => said(t.title),
  facts: (t) => [["Kind", words(t.type)], ["Address", t.url && said(t.url)], ["To register", t.register_url && said(t.register_url)], ["When", when(t.scheduled_at)], ["Seats", number(t.seats)], ["Pages", number(t.pages)]],
  create: {},
  actions: [
    { label: "Edit", method: "PUT", path: TRAINING, value: (t) => t },
    { label: "Delete", method: "DELETE", path: TRAINING, look: "danger", isSlow: true, leaves: true },
  ],
};

