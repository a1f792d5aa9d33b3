// Files, integrations, webhooks and what was done by whom.
import { h, said } from "../../lib/dom.js";
import { chip, tag, yesNo } from "../../lib/chips.js";
import { isoDay, money, number, words } from "../../lib/format.js";
import { newKey } from "../../lib/api.js";
import { now } from "../../lib/boot.js";
import { signal } from "../../lib/state.js";
import { toast, told } from "../../lib/toast.js";
import { mayDo } from "../rights.js";
import { column, factsOf, formOf, plainTable, related, section, when } from "../kit.js";

/** @typedef {import("../kit.js").Shape} Shape */
/** @typedef {import("../kit.js").Office} Office */

const CHAIN = "/v1/admin/audit-logs/chain";

/** @param {number} bytes */
const size = (bytes) => (bytes < 1024 ? `${bytes} B` : bytes < 1_048_576 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1_048_576).toFixed(1)} MB`);

const FILE = "/v1/admin/files/{id}";
/** @type {Shape} */
export const files = {
  noun: "file", key: "files", one: FILE, none: "No files yet", filters: ["purpose", "owner_kind"],
  columns: [column("Name", (f) => said(f.name), { sort: "name" }), column("Purpose", (f) => tag(words(f.purpose))), column("Kind", (f) => said(f.content_type)), column("Size", (f) => size(f.size), { isNumber: true, sort: "size" }), column("Sent", (f) => when(f.created_at), { sort: "created_at" })],
  facts: (f) => [["Purpose", words(f.purpose)], ["Kind", said(f.content_type)], ["Size", size(f.size)], ["Sent", when(f.created_at)]],
  actions: [
    { label: "Download", method: "GET", path: `${FILE}/content`, look: "primary", download: "file" },
    { label: "Delete", method: "DELETE", path: FILE, look: "danger", isSlow: true, leaves: true },
  ],
};

const ONE = "/v1/admin/integrations/{id}";
const REVERSE = `${ONE}/payments/{payment_id}/reverse`;
/** @type {Shape} */
export const integrations = {
  noun: "integration", key: "integrations", one: ONE, none: "No apps of others yet", filters: ["status", "partner_type", "onboarding_completed"],
  columns: [
    column("Name", (i) => said(i.name), { sort: "name" }), column("Status", (i) => chip(i.status), { sort: "status" }), column("Kind", (i) => tag(words(i.partner_type))), column("Onboarding", (i) => `${i.progress} %`, { isNumber: true }),
    column("Requests a month", (i) => number(i.monthly_limit), { isNumber: true }), column("Last request", (i) => when(i.last_request_at), { sort: "last_request_at" }), column("Since", (i) => when(i.created_at), { sort: "created_at" }),
  ],
  status: (i) => [chip(i.status), tag(words(i.partner_type))],
  facts: (i) => [
    ["Short name", i.slug], ["E-mail", said(i.email)], ["Phone", i.phone_number && said(i.phone_number)], ["Client", i.client_id && h("code", null, i.client_id)], ["Onboarding", `${i.progress} %, at ${words(i.current_step)}`],
    ["Requests a month", number(i.monthly_limit)], ["At once", number(i.burst_limit)], ["Pays", yesNo(i.is_billed)], ["Owes", i.account.length ? i.account.map(standing).join(", ") : null], ["Webhook", i.webhook_url && said(i.webhook_url)], ["Callback", i.callback_url && said(i.callback_url)],
    ["Last request", when(i.last_request_at)], ["Active since", i.activated_at && when(i.activated_at)],
  ],
  sections: [
    (_, i) => section("Business", h("div", { class: "card" }, factsOf([["Company", said(i.business.company_name)], ["Website", said(i.business.website)], ["Industry", said(i.business.industry)], ["What", said(i.business.description)]]))),
    (_, i) => section("This month", h("div", { class: "card" }, factsOf([["Requests", number(i.usage.monthly_requests)], ["Refused", number(i.usage.refused_requests)], ["Ever", number(i.usage.total_requests)]])),
      i.usage.by_route.length > 0 && h("div", { class: "list" }, plainTable([column("Route", (r) => h("code", null, r.route)), column("Requests", (r) => number(r.requests), { isNumber: true }), column("Refused", (r) => number(r.refused), { isNumber: true })], i.usage.by_route))),
    (office, i) => related(office, "Account", { path: `/v1/admin/integrations/${i.id}/account`, operation: `${ONE}/account`, key: "lines", none: "Nothing was billed or paid yet.", columns: [column("When", (l) => when(l.created_at)), column("What", (l) => said(l.description ?? words(l.category))), column("Booking", (l) => (l.booking_id ? h("a", { href: `/admin/bookings/${l.booking_id}` }, l.booking_number) : "–")), column("Owed", (l) => (l.type === "debit" ? money(l.amount, l.currency) : ""), { isNumber: true }), column("Paid", (l) => (l.type === "credit" ? money(l.amount, l.currency) : ""), { isNumber: true })] }),
    (office, i, again) => related(office, "Payments", { path: `/v1/admin/integrations/${i.id}/payments`, operation: `${ONE}/payments`, key: "payments", none: "Nothing was paid yet.", columns: [column("Reference", (p) => said(p.reference)), column("Arrived", (p) => p.paid_on), column("Recorded", (p) => when(p.created_at)), column("Amount", (p) => money(p.amount, p.currency), { isNumber: true }), column("", (p) => (p.reversed_at ? [chip("reversed", { label: "Taken back" }), " ", said(p.reversal_reason)] : takeBack(office, i, p, again)))] }),
    (_, i) => section("Documents", i.documents.length ? h("div", { class: "list" }, plainTable([column("Name", (d) => (d.file_id ? h("a", { href: `/admin/files/${d.file_id}` }, said(d.name)) : /^https?:/.test(d.url ?? "") ? h("a", { href: d.url, target: "_blank", rel: "noopener noreferrer" }, said(d.name)) : said(d.name))), column("Kind", (d) => words(d.type)), column("Sent", (d) => when(d.created_at))], i.documents)) : h("p", { class: "faint" }, "None were sent.")),
    (_, i) => section("Notes", i.notes.length ? h("div", { class: "thread" }, i.notes.map((/** @type {any} */ n) => h("article", { class: "card message" }, h("p", { class: "row between faint" }, said(n.author), when(n.created_at)), h("p", { class: "text" }, said(n.content))))) : h("p", { class: "faint" }, "None yet.")),
  ],
  actions: [
    { label: "Status", method: "PATCH", path: `${ONE}/status`, look: "primary", when: (i) => i.may_become.length > 0, value: (i) => ({ status: i.may_become[0] }), form: { isLong: ["reason"] } },
    { label: "Limits", method: "PATCH", path: `${ONE}/limits`, isEdit: true },
    { label: "Record a payment", method: "POST", path: `${ONE}/payments`, when: (i) => i.is_billed || i.account.length > 0, value: (i) => ({ ...due(i), paid_on: isoDay(now()) }), done: "The payment is recorded." },
    { label: "Add a note", method: "POST", path: `${ONE}/notes`, form: { isLong: ["content"] } },
    { label: "Announce maintenance", method: "POST", path: "/v1/admin/integrations/maintenance", form: { isLong: ["text"] }, intro: () => h("p", { class: "help" }, "Every active integration is told."), shows: (answer) => h("p", null, `${number(answer.told)} were told.`) },
  ],
};

/** How an account stands in a currency. @param {any} b */
const standing = (b) => (b.credit > 0 ? `${money(b.credit, b.currency)} in its favour` : money(b.owed, b.currency));

/** What is most likely paid: all that is owed in the first currency in which something is. @param {any} i */
function due(i) {
  const open = i.account.find((/** @type {any} */ b) => b.owed > 0);
  return open ? { amount: open.owed, currency: open.currency } : {};
}

/** A payment that was recorded by mistake, and why. @param {Office} office @param {any} i @param {any} p @param {() => void} again */
const takeBack = (office, i, p, again) => mayDo(office, "POST", REVERSE) && h("details", null, h("summary", null, "Take back"), formOf(office, "POST", REVERSE, {
  action: "Take back",
  submit: (values) => office.api.post(`/v1/admin/integrations/${i.id}/payments/${p.id}/reverse`, values, newKey()),
  done: () => (toast("The payment is taken back."), again()),
}));

const HOOK = "/v1/admin/webhooks/{webhook_id}";
/** @type {Shape} */
export const webhooks = {
  noun: "webhook", key: "webhooks", one: HOOK, none: "Nobody is told of events", filters: ["is_active", "event"],
  columns: [column("Address", (w) => said(w.url), { sort: "url" }), column("", (w) => (w.is_active ? chip("active") : chip("off", { label: "Off" }))), column("Events", (w) => said(w.events.join(", "))), column("Last success", (w) => when(w.last_success_at)), column("Failing since", (w) => when(w.failing_since))],
  heading: (w) => said(w.url),
  status: (w) => (w.is_active ? chip("active") : chip("off", { label: "Off" })),
  facts: (w) => [["Events", said(w.events.join(", "))], ["What", w.description && said(w.description)], ["Last success", when(w.last_success_at)], ["Failing since", w.failing_since && when(w.failing_since)], ["Off because", w.disabled_reason && said(w.disabled_reason)], ["The old secret holds until", w.previous_secret_until && when(w.previous_secret_until)]],
  sections: [(office, w) => related(office, "Deliveries", { path: "/v1/admin/webhooks/deliveries", operation: "/v1/admin/webhooks/deliveries", key: "deliveries", query: { webhook_id: w.id }, open: (d) => `/admin/deliveries/${d.id}`, none: "Nothing was sent yet.", columns: deliveryColumns })],
  create: {},
  actions: [
    { label: "Edit", method: "PATCH", path: HOOK, isEdit: true },
    { label: "Send a test", method: "POST", path: `${HOOK}/test`, done: "A test is on its way." },
    { label: "New secret", method: "POST", path: `${HOOK}/rotate-secret`, look: "danger", intro: () => h("p", { class: "help" }, "For a day every message is signed with the old one too."), shows: (answer) => [h("p", null, "Keep this secret: it is shown once."), h("p", null, h("code", { class: "secret" }, answer.secret ?? ""))] },
    { label: "Delete", method: "DELETE", path: HOOK, look: "danger", isSlow: true, leaves: true },
  ],
};

const deliveryColumns = [
  column("Event", (d) => h("code", null, d.event)), column("State", (d) => chip(d.state)), column("To", (d) => said(d.url)), column("Tries", (d) => number(d.attempts), { isNumber: true }),
  column("Answer", (d) => (d.last_status ? String(d.last_status) : said(d.error))), column("Happened", (d) => when(d.event_at), { sort: "event_at" }),
];

const DELIVERY = "/v1/admin/webhooks/deliveries/{delivery_id}";
/** @type {Shape} */
export const deliveries = {
  noun: "delivery", key: "deliveries", one: DELIVERY, none: "Nothing was sent yet", filters: ["state", "event", "date_from", "date_to"], columns: deliveryColumns,
  heading: (d) => d.event,
  status: (d) => chip(d.state),
  facts: (d) => [["To", said(d.url)], ["Tries", number(d.attempts)], ["Booking", d.booking_id && h("a", { href: `/admin/bookings/${d.booking_id}` }, "open")], ["Happened", when(d.event_at)], ["Next try", d.next_try_at && when(d.next_try_at)], ["Over", d.finished_at && when(d.finished_at)], ["Error", d.error && said(d.error)]],
  sections: [(_, d) => section("Tries", h("div", { class: "list" }, plainTable([column("No.", (t) => number(t.attempt)), column("When", (t) => when(t.at)), column("Answer", (t) => said(t.status ? String(t.status) : t.error)), column("Took", (t) => `${number(t.duration_ms)} ms`, { isNumber: true }), column("Said", (t) => said(t.reply))], d.log)))],
  actions: [{ label: "Send again", method: "POST", path: `${DELIVERY}/replay`, look: "primary", done: "Sent again." }],
};

/** @type {Shape} */
export const audit = {
  noun: "entry", key: "logs", isShown: false, none: "Nobody did anything yet", top: chain, filters: ["action", "resource_type", "resource_id", "ip_address", "date_from", "date_to"],
  columns: [
    column("When", (a) => when(a.created_at), { sort: "created_at" }), column("Who", (a) => said(a.admin.name ?? a.admin.email ?? a.admin.id ?? words(a.realm))), column("What", (a) => words(a.action)),
    column("Of", (a) => h("span", null, tag(words(a.resource_type)), " ", a.resource_id && h("code", { class: "id", title: a.resource_id }, a.resource_id.slice(0, 8)))),
    column("Changed", (a) => changes(a.changes)), column("From", (a) => said(a.ip_address)),
  ],
};

/** Entries are tied together: whether all of them are still what was written. @param {Office} office */
function chain(office) {
  const found = signal(/** @type {any} */ (null));
  const isBusy = signal(false);
  const check = async () => {
    isBusy.set(true);
    try {
      found.set(await office.api.get(CHAIN));
    } catch (error) {
      told(error);
    } finally {
      isBusy.set(false);
    }
  };
  return mayDo(office, "GET", CHAIN) && h("div", { class: "card row between" },
    h("div", { class: "chain", role: "status" }, () => {
      const now = found();
      if (!now) return h("p", { class: "help" }, "Every entry is tied to the one before it by a hash, so that none can be changed or taken out unseen.");
      return [
        now.is_intact ? chip("verified", { label: "Whole" }) : chip("failed", { label: `${number(now.findings.length)} things are wrong` }),
        h("span", null, `${number(now.entries)} entries, the last `, h("code", { class: "id", title: now.hash }, now.hash.slice(0, 16))),
        h("span", { class: "help" }, now.checked_to ? `Read: ${number(now.checked_from)} to ${number(now.checked_to)}` : "Nothing is new", now.checked_before > 0 && `, and ${number(now.checked_again)} of the ${number(now.checked_before)} that were whole before`),
        now.findings.length > 0 && h("ul", null, now.findings.map((/** @type {string} */ text) => h("li", { class: "problem" }, said(text)))),
      ];
    }),
    h("button", { disabled: isBusy, onclick: check }, "Check the chain"),
  );
}

/** @param {Record<string, any> | null} made */
function changes(made) {
  const entries = Object.entries(made ?? {});
  if (!entries.length) return said(null);
  /** @param {any} value */
  const shown = (value) => (value === null || value === undefined ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value));
  return h("details", { class: "changes" }, h("summary", null, entries.slice(0, 3).map(([name]) => words(name)).join(", "), entries.length > 3 && ` and ${entries.length - 3} more`),
    h("dl", { class: "data" }, entries.map(([name, change]) => h("div", null, h("dt", null, words(name)), h("dd", null, change && typeof change === "object" && "new" in change ? [h("del", null, said(shown(change.old))), " → ", h("ins", null, said(shown(change.new)))] : said(shown(change)))))));
}

