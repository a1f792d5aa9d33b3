// Customers, providers, staff and their rota.
import { h, said } from "../../lib/dom.js";
import { chip, tag, yesNo } from "../../lib/chips.js";
import { money, number, words } from "../../lib/format.js";
import { column, formOf, related, section, when } from "../kit.js";
import { mayDo } from "../rights.js";
import { rightsOf, rolesOf } from "../roles.js";
import { toast, told } from "../../lib/toast.js";
import { placeOf, stars } from "../cells.js";
import { settled } from "../settled.js";

/** @typedef {import("../kit.js").Shape} Shape */
/** @typedef {import("../kit.js").Office} Office */

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
