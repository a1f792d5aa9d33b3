// What came in, who did it, and what was asked for, over a period; each as a chart, a table and a file.
import { h, said } from "../lib/dom.js";
import { barChart, lineChart, rankChart } from "../lib/charts.js";
import { isoDay, money, number } from "../lib/format.js";
import { computed } from "../lib/state.js";
import { empty, view } from "../lib/view.js";
import { query, setQuery } from "../lib/address.js";
import { now } from "../lib/boot.js";
import { plainTable, section } from "./kit.js";
import { mayDo } from "./rights.js";
import { stars } from "./cells.js";
import { dayText, monthText } from "./days.js";
import { saveCsv } from "./csv.js";

/** @typedef {import("./kit.js").Office} Office */

const BASE = "/v1/admin/analytics/";
const DAY_MS = 86_400_000;
const PERIODS = [["7", "7 days"], ["30", "30 days"], ["90", "90 days"], ["365", "A year"]];
const MOST = 12;

/** The period in the address: the last so many days, or from a day to another. @param {URLSearchParams} asked */
function spanOf(asked) {
  const [from, to] = [asked.get("from"), asked.get("to")];
  const days = Number(asked.get("days")) || 30;
  const span = from && to ? { date_from: from, date_to: to } : { date_from: isoDay(now() - (days - 1) * DAY_MS), date_to: isoDay(now()) };
  const long = (Date.parse(span.date_to) - Date.parse(span.date_from)) / DAY_MS;
  return { ...span, group_by: long > 200 ? "month" : long > 62 ? "week" : "day" };
}

/** @param {Office} office */
export function show(office) {
  const span = computed(() => spanOf(query()));
  /** @param {string} what @param {(data: any) => import("../lib/dom.js").Child} render */
  const part = (what, render) => mayDo(office, "GET", BASE + what) && view((abort) => {
    const { group_by, ...days } = span();
    return office.api.get(BASE + what, what === "revenue" ? { ...days, group_by } : days, abort);
  }, render)[0];
  return [
    h("h1", null, "Analytics"),
    periods(span),
    part("revenue", (data) => revenue(data, span().group_by)),
    h("div", { class: "two even" }, part("service-popularity", popularity), part("partner-performance", performance)),
  ];
}

/** @param {() => {date_from: string, date_to: string}} span */
function periods(span) {
  /** @param {string} name */
  const input = (name) => h("label", { class: "filter" }, h("span", null, name === "from" ? "From" : "To"), h("input", {
    type: "date", value: () => (name === "from" ? span().date_from : span().date_to),
    onchange: (/** @type {any} */ e) => e.target.value && setQuery({ days: null, from: name === "from" ? e.target.value : span().date_from, to: name === "to" ? e.target.value : span().date_to }),
  }));
  return h("div", { class: "row periods" },
    h("div", { class: "segments", role: "group", "aria-label": "Period" }, PERIODS.map(([days, label]) => h("button", {
      "aria-pressed": () => String(!query().get("from") && (query().get("days") ?? "30") === days), onclick: () => setQuery({ days: days ?? null, from: null, to: null }),
    }, label))),
    input("from"), input("to"),
  );
}

/** @param {string} name @param {string[]} head @param {any[][]} rows */
const save = (name, head, rows) => h("button", { class: "link", onclick: () => saveCsv(name, head, rows) }, "Save as CSV");

/** @param {any} data @param {string} unit */
function revenue(data, unit) {
  const label = unit === "month" ? monthText : dayText;
  /** @param {number} value */
  const format = (value) => money(value, data.currency);
  return section("Revenue",
    h("div", { class: "tiles" }, [["Revenue", format(data.total_revenue)], ["Bookings", number(data.total_bookings)], ["Paid bookings", number(data.paid_bookings)], ["Average order", format(data.average_order_value)]].map(([name, value]) => h("div", { class: "card tile" }, h("span", { class: "tile-label" }, name), h("strong", { class: "tile-value tabular" }, value)))),
    h("div", { class: "card stack" },
      lineChart({ title: `Revenue by ${unit}`, column: "Revenue", format, points: data.breakdown.map((/** @type {any} */ part) => ({ label: label(part.date), value: part.revenue })) }),
      barChart({ title: `Bookings by ${unit}`, column: "Bookings", points: data.breakdown.map((/** @type {any} */ part) => ({ label: label(part.date), value: part.bookings })) }),
      h("div", { class: "actions" }, save("revenue.csv", ["date", "revenue", "currency", "bookings", "paid_bookings"], data.breakdown.map((/** @type {any} */ p) => [p.date, p.revenue, data.currency, p.bookings, p.paid_bookings]))),
    ),
  );
}

/** @param {any} data */
function popularity(data) {
  if (!data.services.length) return section("Services", h("div", { class: "card" }, empty("Nothing was booked in this time")));
  return section("Services", h("div", { class: "card stack" },
    rankChart({ title: "Most booked", points: data.services.slice(0, MOST).map((/** @type {any} */ s) => ({ label: s.service_name, value: s.total_bookings, note: money(s.total_revenue, data.currency) })) }),
    h("div", { class: "actions" }, save("services.csv", ["service_id", "service", "category", "tier", "bookings", "revenue", "currency", "rating"], data.services.map((/** @type {any} */ s) => [s.service_id, s.service_name, s.category, s.tier, s.total_bookings, s.total_revenue, data.currency, s.average_rating]))),
  ));
}

/** @param {any} data */
function performance(data) {
  if (!data.partners.length) return section("Technicians", h("div", { class: "card" }, empty("Nobody worked in this time")));
  return section("Technicians", h("div", { class: "list" }, plainTable([
    { label: "Name", cell: (p) => said(p.partner_name) },
    { label: "Done", cell: (p) => number(p.completed_bookings), isNumber: true },
    { label: "Given up", cell: (p) => `${Math.round(p.cancellation_rate * (p.cancellation_rate <= 1 ? 100 : 1))} %`, isNumber: true },
    { label: "Rating", cell: (p) => stars(p.average_rating), isNumber: true },
    { label: "Earned", cell: (p) => money(p.total_earnings, data.currency), isNumber: true },
  ], data.partners.slice(0, 20), (p) => `/admin/technicians/${p.partner_id}`),
  h("div", { class: "pager" }, save("technicians.csv", ["technician_id", "code", "name", "bookings", "completed", "cancelled", "earnings", "currency", "rating"], data.partners.map((/** @type {any} */ p) => [p.partner_id, p.partner_code, p.partner_name, p.total_bookings, p.completed_bookings, p.cancelled_bookings, p.total_earnings, data.currency, p.average_rating])))));
}
