// How things stand, at a glance.
import { h, said } from "../lib/dom.js";
import { chip } from "../lib/chips.js";
import { lineChart } from "../lib/charts.js";
import { isoDay, money, number, words } from "../lib/format.js";
import { every, signal } from "../lib/state.js";
import { view } from "../lib/view.js";
import { now } from "../lib/boot.js";
import { plainTable, section } from "./kit.js";
import { mayDo } from "./rights.js";
import { bookingColumns, stars } from "./cells.js";
import { dayText } from "./days.js";

/** @typedef {import("./kit.js").Office} Office */

const FRESH_MS = 30_000;
const DAYS = 14;
const REVENUE = "/v1/admin/analytics/revenue";

/** @param {Office} office */
export function show(office) {
  const turn = signal(0);
  every(FRESH_MS, () => document.visibilityState === "visible" && turn.update((n) => n + 1));
  const [place] = view(async (abort) => {
    turn();
    const [board, revenue] = await Promise.all([
      office.api.get("/v1/admin/dashboard", {}, abort),
      mayDo(office, "GET", REVENUE) ? office.api.get(REVENUE, { date_from: isoDay(now() - (DAYS - 1) * 86_400_000), date_to: isoDay(now()) }, abort) : null,
    ]);
    return { board, revenue };
  }, ({ board, revenue }) => [
    tiles(board.stats),
    board.alerts.length > 0 && h("div", { class: "row" }, board.alerts.map((/** @type {any} */ a) => h("a", { class: "alert-link", href: `/admin/alerts?status=open&type=${encodeURIComponent(a.type)}` }, chip("open", { tone: "warn", label: `${number(a.count)} × ${words(a.type)}` })))),
    revenue && h("div", { class: "card" }, lineChart({ title: `Revenue of ${DAYS} days`, column: "Revenue", points: revenue.breakdown.map((/** @type {any} */ part) => ({ label: dayText(part.date), value: part.revenue })), format: (value) => money(value, revenue.currency) })),
    h("div", { class: "two" },
      section("Latest bookings", h("div", { class: "list" }, board.recent_bookings.length ? plainTable(bookingColumns.filter((c) => ["Booking", "Status", "When", "Customer", "Total"].includes(c.label)), board.recent_bookings, (b) => `/admin/bookings/${b.id}`) : h("p", { class: "faint pad" }, "No bookings yet."))),
      section("New technicians", h("div", { class: "list" }, board.recent_partners.length ? plainTable([
        { label: "Name", cell: (p) => said(p.name) }, { label: "Papers", cell: (p) => chip(p.onboarding_status) }, { label: "Rating", cell: (p) => stars(p.rating), isNumber: true },
      ], board.recent_partners, (p) => `/admin/technicians/${p.id}`) : h("p", { class: "faint pad" }, "Nobody yet."))),
    ),
  ], { class: "stack" });
  return [h("h1", null, "Dashboard"), place];
}

/** @param {any} stats */
function tiles(stats) {
  /** @type {[string, string, string, string?][]} label, value, where it leads, what is beside it */
  const shown = [
    ["Revenue today", money(stats.today_revenue, stats.currency), "/admin/analytics", `${money(stats.total_revenue, stats.currency)} in all`],
    ["Bookings", number(stats.total_bookings), "/admin/bookings", `${number(stats.completed_bookings)} done, ${number(stats.cancelled_bookings)} cancelled`],
    ["Pending", number(stats.pending_bookings), "/admin/bookings?status=pending", `${number(stats.confirmed_bookings)} confirmed`],
    ["Technicians on duty", number(stats.active_partners), "/admin/technicians?is_available=true", `of ${number(stats.total_partners)}`],
    ["Owed to technicians", money(stats.pending_payouts, stats.currency), "/admin/payout-requests"],
  ];
  return h("div", { class: "tiles" }, shown.map(([label, value, href, more]) => h("a", { class: "card tile", href }, h("span", { class: "tile-label" }, label), h("strong", { class: "tile-value tabular" }, value), more && h("span", { class: "faint" }, more))));
}
