// Technicians with their papers, those who want to become one, customers, providers and staff.
import { h, said } from "../../lib/dom.js";
import { download } from "../../lib/download.js";
import { chip, tag, yesNo } from "../../lib/chips.js";
import { money, number, words } from "../../lib/format.js";
import { view } from "../../lib/view.js";
import { column, factsOf, formOf, related, section, when } from "../kit.js";
import { mayDo } from "../rights.js";
import { rightsOf, rolesOf } from "../roles.js";
import { toast, told } from "../../lib/toast.js";
import { bookingColumns, placeOf, stars } from "../cells.js";
import { settled } from "../settled.js";

/** @typedef {import("../kit.js").Shape} Shape */
/** @typedef {import("../kit.js").Office} Office */

const ONE = "/v1/admin/partners/{id}";
const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** @type {Shape} */
export const technicians = {
  noun: "technician", key: "partners", one: ONE, imports: "/v1/admin/partners/import",
  pick: (answer) => ({ ...answer.partner, more: answer }), exports: "/v1/admin/partners/export", none: "No technicians yet",
  filters: ["status", "onboarding_status", "service_category", "is_available"],
  columns: [
    column("Name", (p) => said(p.name), { sort: "name" }),
    column("Code", (p) => h("span", { class: "tabular" }, p.partner_code), { sort: "partner_code" }),
    column("Papers", (p) => chip(p.onboarding_status)),
    column("Available", (p) => yesNo(p.is_available)),
    column("Does", (p) => said(p.service_categories.join(", "))),
    column("Rating", (p) => stars(p.rating), { isNumber: true, sort: "rating" }),
    column("Done", (p) => number(p.completed_bookings), { isNumber: true, sort: "completed_bookings" }),
    column("Earned", (p) => money(p.total_earnings), { isNumber: true }),
  ],
  status: (p) => [chip(p.onboarding_status), p.is_active ? yesNo(p.is_available, ["Available", "Not available"]) : chip("blocked", { label: "Not active" })],
  facts: (p) => [
    ["Code", p.partner_code],
    ["Phone", said(p.phone_number)],
    ["E-mail", p.email && said(p.email)],
    ["Does", said(p.service_categories.join(", "))],
    ["Tiers", said(p.service_tiers.join(", "))],
    ["Rating", [stars(p.rating), p.rating && ` from ${number(p.more?.performance?.rating_count ?? 0)}`]],
    ["Jobs", `${number(p.completed_bookings)} done, ${number(p.cancelled_bookings)} given up`],
    ["Earned", money(p.more?.earnings?.total, p.more?.earnings?.currency)],
    ["To be paid", money(p.more?.earnings?.pending, p.more?.earnings?.currency)],
    ["Works", hours(p.working_hours)],
    ["Within", `${p.service_radius_km} km`],
    ["Address", p.address && said(p.address)],
    ["Last seen", when(p.last_seen_at)],
    ["Since", when(p.created_at)],
  ],
  sections: [
    papers,
    (office, p) => related(office, "Bookings", { path: `/v1/admin/partners/${p.id}/bookings`, operation: `${ONE}/bookings`, key: "bookings", columns: bookingColumns.filter((c) => c.label !== "Technician"), open: (b) => `/admin/bookings/${b.id}`, none: "No bookings yet." }),
    (office, p) => related(office, "Earnings", { path: `/v1/admin/partners/${p.id}/earnings`, operation: `${ONE}/earnings`, key: "earnings", none: "Nothing earned yet.", columns: [
      column("Booking", (e) => h("a", { href: `/admin/bookings/${e.booking_id}` }, e.booking_number)),
      column("Status", (e) => chip(e.status)),
      column("Booked for", (e) => money(e.booking_amount, e.currency), { isNumber: true }),
      column("Commission", (e) => money(e.platform_commission, e.currency), { isNumber: true }),
      column("Earned", (e) => money(e.partner_earning, e.currency), { isNumber: true }),
      column("Payout", (e) => said(e.payout_number)),
      column("When", (e) => when(e.created_at)),
    ] }),
    settled("Cash", `${ONE}/cash`, (b) => `${money(b.cash_in_hand, b.currency)} in hand`),
    daysOff,
  ],
  create: { without: ["verification_documents"], isLong: ["address"], labels: { service_categories: "Does (categories)", service_tiers: "Tiers" } },
  actions: [
    { label: "Verify", method: "POST", path: `${ONE}/verify`, look: "primary", when: (p) => p.onboarding_status !== "verified", value: () => ({ onboarding_status: "verified" }), form: { isLong: ["notes"], labels: { onboarding_status: "The papers are" } } },
    { label: "Take verification back", method: "POST", path: `${ONE}/verify`, when: (p) => p.onboarding_status === "verified", value: () => ({ onboarding_status: "rejected" }), form: { isLong: ["notes"], labels: { onboarding_status: "The papers are" } } },
    { label: "Edit", method: "PATCH", path: ONE, isEdit: true, form: { without: ["verification_documents"], isLong: ["address"] } },
    { label: "Pause", method: "PATCH", path: `${ONE}/availability`, when: (p) => p.is_available, body: { is_available: false }, undo: () => ({ is_available: true }), done: "Takes no jobs for now." },
    { label: "Resume", method: "PATCH", path: `${ONE}/availability`, when: (p) => p.is_active && !p.is_available, body: { is_available: true }, undo: () => ({ is_available: false }), done: "Takes jobs again." },
    { label: "Pay out", method: "POST", path: "/v1/admin/payouts", when: (p) => (p.more?.earnings?.pending ?? 0) > 0, value: (p) => ({ partner_id: p.id }), form: { without: ["earnings_ids"], isLong: ["notes"], labels: { partner_id: "Technician", amount: "Amount (empty: everything due)" } }, done: "The payout stands under Payouts." },
    { label: "Cash handed in", method: "POST", path: `${ONE}/cash`, form: { isLong: ["reason"] }, done: "The cash is recorded." },
  ],
};

/** @param {any} given */
function hours(given) {
  if (!given) return null;
  const weekly = given.weekly?.length ? given.weekly : null;
  if (weekly) return weekly.map((/** @type {any} */ d) => h("span", { class: "hours" }, `${DAYS[(d.day + 6) % 7] ?? d.day} ${d.start}–${d.end} `));
  return `${given.start}–${given.end}, ${given.days.length === 7 ? "every day" : given.days.map((/** @type {number} */ d) => DAYS[(d + 6) % 7] ?? d).join(" ")}`;
}

/** What proves who somebody is: numbers, documents and who looked at them. @param {Office} office @param {any} p */
function papers(office, p) {
  const documents = Object.entries(p.verification_documents ?? {}).filter(([, file]) => file);
  return section("Papers",
    h("div", { class: "card stack" },
      p.warnings.map((/** @type {string} */ text) => h("p", { class: "problem" }, said(text))),
      factsOf([
        ["Aadhaar", [said(p.aadhar_number), " ", p.aadhar_verified && chip("verified")]],
        ["PAN", said(p.pan_number)],
        ["Bank account", said(p.bank_account_number)],
        ["IFSC", said(p.ifsc_code)],
        ["Bank", said(p.bank_name)],
        ["Account holder", said(p.account_holder_name)],
        ["Looked at", p.verified_at && [when(p.verified_at), p.verification_notes && [": ", said(p.verification_notes)]]],
      ]),
      documents.length ? h("div", { class: "actions" }, documents.map(([name, file]) => h("button", { onclick: () => void openFile(office, String(file)) }, `${words(name)}: open`))) : h("p", { class: "faint" }, "No documents were sent yet."),
    ),
    mayDo(office, "GET", "/v1/admin/files") && related(office, "Files", { path: "/v1/admin/files", operation: "/v1/admin/files", key: "files", query: { owner_id: p.id }, none: "No files.", columns: [
      column("Name", (f) => h("button", { class: "link", onclick: () => void openFile(office, f.id) }, said(f.name))),
      column("Purpose", (f) => words(f.purpose)),
      column("Sent", (f) => when(f.created_at)),
    ] }),
  );
}

const FILE = /[0-9a-f]{8}-[0-9a-f-]{27}/;

/** A file by its id, or by an address that holds one. @param {Office} office @param {string} file */
async function openFile(office, file) {
  const id = FILE.exec(file)?.[0];
  try {
    if (!id) return void open(file, "_blank", "noopener");
    await download(office.api, `/v1/admin/files/${id}/content`);
  } catch (error) {
    told(error);
  }
}

/** @param {Office} office @param {any} p */
function daysOff(office, p) {
  const path = `/v1/admin/partners/${p.id}/days-off`;
  const may = mayDo(office, "PUT", `${ONE}/days-off/{date}`);
  const [place, again] = view((abort) => office.api.get(path, {}, abort), ({ days_off }) => h("div", { class: "card stack" },
    days_off.length ? h("ul", { class: "days" }, days_off.map((/** @type {any} */ d) => h("li", null, h("span", { class: "tabular" }, d.date),
      may && h("button", { class: "icon", "aria-label": `Works on ${d.date} after all`, onclick: () => void change("DELETE", d.date) }, "×")))) : h("p", { class: "faint" }, "No days off."),
    may && h("form", { class: "row", onsubmit: (/** @type {any} */ e) => (e.preventDefault(), void change("PUT", new FormData(e.target).get("date"))) },
      h("input", { type: "date", name: "date", required: true, "aria-label": "Day off", class: "short" }), h("button", null, "Add a day off")),
  ));
  /** @param {string} method @param {any} date */
  const change = async (method, date) => {
    const send = (/** @type {string} */ how) => office.api.request(how, `${path}/${date}`).then(again);
    try {
      await send(method);
      toast(method === "PUT" ? `Off on ${date}.` : `Works on ${date}.`, { undo: () => send(method === "PUT" ? "DELETE" : "PUT").catch(told) });
    } catch (error) {
      told(error);
    }
  };
  return section("Days off", place);
}

/** Those whose papers nobody has looked at. @type {Shape} */
export const applications = {
  ...technicians, fixed: { onboarding_status: "pending" }, filters: ["service_category"], none: "Nobody is waiting to be verified",
  create: undefined, exports: undefined, imports: undefined,
};

const USER = "/v1/admin/users/{id}";
/** @type {Shape} */
export const users = {
  noun: "customer", key: "users", one: USER, none: "No customers yet",
  pick: (answer) => ({ ...answer.user, more: answer }), filters: ["is_active", "date_from", "date_to"],
  columns: [
    column("Name", (u) => said(u.name)),
    column("Phone", (u) => said(u.phone_number)),
    column("E-mail", (u) => said(u.email)),
    column("Bookings", (u) => number(u.total_bookings), { isNumber: true, sort: "total_bookings" }),
    column("Spent", (u) => money(u.total_spent), { isNumber: true, sort: "total_spent" }),
    column("", (u) => (u.is_active ? chip("active") : chip("blocked"))),
    column("Since", (u) => when(u.created_at), { sort: "created_at" }),
  ],
  heading: (u) => said(u.name, "Without a name"),
  status: (u) => (u.is_active ? chip("active") : chip("blocked")),
  facts: (u) => [
    ["Phone", said(u.phone_number)],
    ["E-mail", u.email && said(u.email)],
    ["Bookings", number(u.total_bookings)],
    ["Spent", money(u.more?.stats?.total_spent, u.more?.stats?.currency)],
    ["Average order", money(u.more?.stats?.average_order_value, u.more?.stats?.currency)],
    ["Blocked because", u.blocked_reason && said(u.blocked_reason)],
    ["Last signed in", when(u.last_login_at)],
    ["Since", when(u.created_at)],
  ],
  sections: [
    (office, u) => related(office, "Bookings", { path: `/v1/admin/users/${u.id}/bookings`, operation: `${USER}/bookings`, key: "bookings", open: (b) => `/admin/bookings/${b.id}`, none: "No bookings yet.", columns: [
      column("Booking", (b) => b.booking_number), column("Status", (b) => chip(b.status)), column("When", (b) => `${b.booking_date} ${b.booking_time?.slice(0, 5) ?? ""}`),
      column("Services", (b) => said(b.services.join(", "))), column("Technician", (b) => said(b.partner_name)), column("Payment", (b) => chip(b.payment_status)), column("Total", (b) => money(b.grand_total, b.currency), { isNumber: true }),
    ] }),
    settled("Account", `${USER}/account`, (b) => `${money(b.wallet, b.currency)} in the wallet, ${money(b.owed, b.currency)} owed`),
    (_, u) => section("Addresses", u.more.addresses.length ? h("div", { class: "cards" }, u.more.addresses.map((/** @type {any} */ a) => h("div", { class: "card" }, h("h3", null, said(a.label), a.is_default && " (default)"), h("p", null, placeOf(a))))) : h("p", { class: "faint" }, "None saved.")),
  ],
  actions: [
    { label: "Block", method: "PATCH", path: `${USER}/status`, look: "danger", when: (u) => u.is_active, value: () => ({ is_active: false }), form: { without: ["is_active"] , isLong: ["reason"] }, undo: () => ({ is_active: true }) },
    { label: "Wallet paid out", method: "POST", path: `${USER}/wallet/payouts`, form: { isLong: ["reason"] }, done: "The payout is recorded." },
    { label: "Take fees off", method: "POST", path: `${USER}/fees/waive`, form: { isLong: ["reason"] }, done: "The fees are taken off." },
    { label: "Unblock", method: "PATCH", path: `${USER}/status`, when: (u) => !u.is_active, body: { is_active: true }, undo: (u) => ({ is_active: false, reason: u.blocked_reason ?? undefined }) },
  ],
};

/** @type {Shape} */
export const providers = {
  noun: "provider", key: "providers", none: "No providers yet",
  columns: [
    column("Name", (p) => said(p.name)), column("Code", (p) => p.code), column("Kind", (p) => tag(p.facility_type)),
    column("E-mail", (p) => said(p.email)), column("Currency", (p) => p.currency), column("Since", (p) => when(p.created_at), { sort: "created_at" }),
  ],
  facts: (p) => [["Code", p.code], ["Kind", p.facility_type], ["E-mail", said(p.email)], ["Phone", p.phone && said(p.phone)], ["Currency", p.currency], ["Time zone", p.timezone], ["Since", when(p.created_at)]],
  sections: [team],
  create: { isLong: ["description"] },
  actions: [{ label: "Name another owner", method: "PUT", path: "/v1/admin/providers/{id}/owner" }],
};

/** The technicians who work for a provider. @param {Office} office @param {any} p @param {() => void} again */
function team(office, p, again) {
  const path = "/v1/admin/providers/{id}/technicians/{technician_id}";
  const may = mayDo(office, "PUT", path);
  /** @param {string} method @param {string} id */
  const change = async (method, id) => {
    const send = (/** @type {string} */ how) => office.api.request(how, `/v1/admin/providers/${p.id}/technicians/${encodeURIComponent(id)}`).then(again);
    await send(method);
    toast(method === "PUT" ? "Works for them now." : "Works for them no longer.", { undo: () => send(method === "PUT" ? "DELETE" : "PUT").catch(told) });
  };
  return [
    related(office, "Technicians", { path: "/v1/admin/partners", operation: "/v1/admin/partners", key: "partners", query: { provider_id: p.id }, none: "Nobody yet.", open: (t) => `/admin/technicians/${t.id}`, columns: [
      column("Name", (t) => said(t.name)), column("Code", (t) => t.partner_code), column("Rating", (t) => stars(t.rating)),
      ...(may ? [column("", (/** @type {any} */ t) => h("button", { class: "link", onclick: () => void change("DELETE", t.id).catch(told) }, "Release"))] : []),
    ] }),
    may && h("div", { class: "card narrow" }, formOf(office, "POST", "/v1/admin/payouts", { only: ["partner_id"], labels: { partner_id: "Technician" }, action: "Enlist", submit: ({ partner_id }) => change("PUT", partner_id ?? "") })),
  ];
}

const STAFF = "/v1/admin/staff/{id}";
/** @type {Shape} */
export const staff = {
  noun: "member of staff", key: "staff", one: STAFF, filters: ["role", "status"],
  columns: [
    column("Name", (s) => said(s.name ?? s.email), { sort: "name" }), column("E-mail", (s) => said(s.email), { sort: "email" }), column("Role", (s) => tag(words(s.role)), { sort: "role" }),
    column("Status", (s) => chip(s.status)), column("Second factor", (s) => yesNo(s.totp_enabled)), column("Last signed in", (s) => when(s.last_login_at), { sort: "last_login_at" }),
  ],
  heading: (s) => said(s.name ?? s.email),
  status: (s) => [tag(words(s.role)), chip(s.status)],
  facts: (s) => [["E-mail", said(s.email)], ["Second factor", yesNo(s.totp_enabled, ["On", "Off"])], ["Last signed in", when(s.last_login_at)], ["Since", when(s.created_at)]],
  sections: [(office, s) => rightsOf(office, s)],
  create: { own: { permissions: rolesOf } },
  actions: [
    { label: "Edit", method: "PATCH", path: STAFF, isEdit: true, value: (s) => ({ ...s, permissions: s.overrides }), form: { own: { permissions: rolesOf } } },
    { label: "Block", method: "PATCH", path: `${STAFF}/status`, look: "danger", when: (s) => s.is_active, value: () => ({ is_active: false }), form: { isLong: ["reason"] }, undo: () => ({ is_active: true }) },
    { label: "Unblock", method: "PATCH", path: `${STAFF}/status`, when: (s) => !s.is_active, body: { is_active: true }, undo: () => ({ is_active: false }) },
    { label: "Reset password", method: "POST", path: `${STAFF}/reset-password`, form: { labels: { removes_totp: "And take the second factor away" } }, done: "A link is on its way." },
  ],
};

/** @type {Shape} */
export const rota = {
  noun: "shift", key: "shifts", none: "Nobody is on duty: alerts go to everybody", filters: ["is_now", "date_from", "date_to"],
  columns: [
    column("Who", (r) => said(r.staff.name ?? r.staff.email)), column("From", (r) => when(r.starts_at), { sort: "starts_at" }), column("To", (r) => when(r.ends_at)),
    column("Told by", (r) => r.channels.map(words).join(", ")), column("", (r) => r.is_now && chip("open_now", { label: "On duty" })),
  ],
  heading: (r) => said(r.staff.name ?? r.staff.email),
  status: (r) => r.is_now && chip("open_now", { label: "On duty" }),
  facts: (r) => [["From", when(r.starts_at)], ["To", when(r.ends_at)], ["Told by", r.channels.map(words).join(", ")]],
  create: { labels: { staff_id: "Who", channels: "Told by" } },
  actions: [
    { label: "Edit", method: "PATCH", path: "/v1/admin/rota/{id}", isEdit: true },
    { label: "Delete", method: "DELETE", path: "/v1/admin/rota/{id}", look: "danger", isSlow: true, leaves: true },
  ],
};
