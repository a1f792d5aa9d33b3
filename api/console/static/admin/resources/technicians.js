// Technicians with their papers, and those who want to become one.
import { h, said } from "../../lib/dom.js";
import { download } from "../../lib/download.js";
import { chip, yesNo } from "../../lib/chips.js";
import { money, number, words } from "../../lib/format.js";
import { signal } from "../../lib/state.js";
import { view } from "../../lib/view.js";
import { column, factsOf, related, section, when } from "../kit.js";
import { mayDo } from "../rights.js";
import { toast, told } from "../../lib/toast.js";
import { bookingColumns, stars } from "../cells.js";
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
  const isBegun = signal(false);
  const [place, again] = view((abort) => office.api.get(path, {}, abort), ({ days_off }) => (
    days_off.length ? h("ul", { class: "days" }, days_off.map((/** @type {any} */ d) => h("li", null, h("span", { class: "tabular" }, d.date),
      may && h("button", { class: "icon", "aria-label": `Works on ${d.date} after all`, onclick: () => void change("DELETE", d.date) }, "×")))) : h("p", { class: "faint" }, "No days off.")));
  /** @param {string} method @param {any} date */
  const change = async (method, date) => {
    const send = (/** @type {string} */ how) => office.api.request(how, `${path}/${date}`).then(again);
    try {
      await send(method);
      toast(method === "PUT" ? `Off on ${date}.` : `Works on ${date}.`, { undo: () => send(method === "PUT" ? "DELETE" : "PUT").catch(told) });
      return true;
    } catch (error) {
      told(error);
      return false;
    }
  };
  const day = h("input", { type: "date", name: "date", required: true, "aria-label": "Day off", class: "short", oninput: () => isBegun.set(day.value !== "") });
  /** @param {Event} event */
  const add = async (event) => {
    event.preventDefault();
    const date = day.value;
    if (!(await change("PUT", date)) || day.value !== date) return;
    day.value = "";
    isBegun.set(false);
  };
  // Beside what is read anew, so that a day that somebody chooses stays.
  return section("Days off", h("div", { class: "card stack" }, place,
    may && h("form", { class: "row", "data-begun": isBegun, onsubmit: add }, day, h("button", null, "Add a day off"))));
}

/** Those whose papers nobody has looked at. @type {Shape} */
export const applications = {
  ...technicians, fixed: { onboarding_status: "pending" }, filters: ["service_category"], none: "Nobody is waiting to be verified",
  create: undefined, exports: undefined, imports: undefined,
};
