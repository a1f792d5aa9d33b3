// What is the technician's own: past jobs, earnings and payouts, why no jobs came, days off.
import { computed, signal } from "../lib/state.js";
import { h } from "../lib/dom.js";
import { empty, view } from "../lib/view.js";
import { ago, dayTime, distance, money, visitTime, words } from "../lib/format.js";
import { query } from "../lib/address.js";
import { nextDays, pager, serviceNames, statusChip } from "../people/common.js";
import { deed } from "../people/deeds.js";

/** @typedef {import("./page.js").Desk} Desk */

const asked = () => computed(() => query().get("page"));

/** @param {Desk} desk */
export function past(desk) {
  const page = asked();
  const [body] = view((abort) => (desk.news(), desk.api.page("/v1/partner/bookings", { page: page(), limit: 20 }, abort)), ({ data }) => data.bookings.length ? [
    h("div", { class: "stack tight" }, data.bookings.map((/** @type {any} */ job) => h("article", { class: "tile" },
      h("div", { class: "row between" }, h("h3", null, serviceNames(job.services)), statusChip(job.assignment_status)),
      h("div", { class: "row between" }, h("span", null, visitTime(job.starts_at, job.timezone)), h("strong", { class: "money" }, money(job.partner_earning, job.currency))),
      h("div", { class: "row between faint" }, h("span", { class: "tabular" }, job.booking_number), job.rating && h("span", { "aria-label": `${job.rating} of 5 stars` }, "★".repeat(job.rating)))))),
    pager(data.pagination),
  ] : empty("No jobs yet", "Offers and jobs stand here once they have come."));
  return h("div", { class: "stack narrow middle" }, h("h1", null, "Jobs"), body);
}

/** @param {Desk} desk */
export function earnings(desk) {
  const page = asked();
  const [body] = view(async (abort) => {
    desk.turn();
    const [earned, paid] = await Promise.all([desk.api.page("/v1/partner/earnings", { page: page(), limit: 20 }, abort), desk.api.page("/v1/partner/payouts", { limit: 5 }, abort)]);
    return { earned: earned.data, paid: paid.data };
  }, ({ earned, paid }) => [
    h("div", { class: "figures" }, [["Earned", earned.total_earnings], ["To be paid out", earned.payable], ["Paid out", earned.paid], ["Cash in hand", earned.cash_in_hand]].map(([label, amount]) => h("div", { class: "card figure" }, h("span", { class: "faint" }, label), h("strong", { class: "big money" }, money(amount, earned.currency))))),
    earned.cash_in_hand > 0 && h("p", { class: "faint" }, "What you took at the door is set off against your next payout."),
    earned.earnings.length ? h("section", { class: "card" }, h("h2", null, "By job"), h("ul", { class: "lines" }, earned.earnings.map((/** @type {any} */ e) => h("li", null,
      h("span", null, h("span", { class: "tabular" }, e.booking_number), h("span", { class: "faint" }, ` · ${dayTime(e.created_at)} · ${{ cash: "cash", online: "paid online", account: "on account" }[/** @type {"cash"} */ (e.payment_method)] ?? e.payment_method}`)), h("span", { class: "row" }, h("span", { class: ["chip", e.status === "paid" ? "good" : e.status === "pending" ? "info" : "plain"] }, { paid: "Paid out", pending: "Open", cancelled: "Taken back" }[/** @type {"paid"} */ (e.status)] ?? e.status), h("strong", { class: "money" }, money(e.partner_earning, e.currency)))))), pager(earned.pagination)) : empty("Nothing earned yet", "What a job earned stands here as soon as it is done."),
    paid.payouts.length > 0 && h("section", { class: "card" }, h("h2", null, "Payouts"), h("ul", { class: "lines" }, paid.payouts.map((/** @type {any} */ p) => h("li", null, h("span", null, h("span", { class: "tabular" }, p.payout_number), h("span", { class: "faint" }, ` · ${dayTime(p.created_at)}`)), h("span", { class: "row" }, h("span", { class: ["chip", p.status === "completed" ? "good" : p.status === "failed" ? "bad" : "info"] }, words(p.status)), h("strong", { class: "money" }, money(p.net_amount, p.currency))))))),
  ], { class: "stack" });
  return h("div", { class: "stack narrow middle" }, h("h1", null, "Earnings"), body);
}

/** @type {Record<string, [string, string]>} */
const WHY = {
  offered: ["You were offered it", ""], ranked_below: ["Somebody else was asked first", "They were nearer, rated higher or idle for longer."],
  offline: ["You were offline", "Go online before jobs that start soon."], stale_fix: ["Your position was too old", "Keep this page open and allow location: jobs that start soon need a position of the last minutes."],
  no_position: ["Nobody knew where you are", "Allow location, or ask the office for a base."], category: ["Another kind of work", "Your profile does not have this category."], tier: ["Another tier", "Your profile does not have this tier."],
  not_verified: ["You are not verified yet", "The office has to check your papers."], outside_radius: ["Too far away", "It was outside your radius."], outside_zone: ["Another zone", "It was outside the zone that you work in."],
  working_hours: ["Outside your hours, or a day off", "Look at your working hours and days off."], busy_then: ["You had another job then", "Travel included."], rating: ["Your rating was too low", ""], already_tried: ["You had answered it before", ""],
  offer_open: ["You had another offer open", "Answer offers quickly."], org_rule: ["The organisation chose somebody else", ""], blocked: ["You and this customer are kept apart", ""],
};

/** @param {Desk} desk */
export function chances(desk) {
  void desk.lookAgain();
  const days = signal(7);
  const [body] = view((abort) => desk.api.page("/v1/partner/why-no-jobs", { days: days(), limit: 30 }, abort), ({ data }) => data.reasons.length ? [
    h("section", { class: "card" }, h("h2", null, "What decided"), h("ul", { class: "lines" }, data.reasons.map((/** @type {any} */ r) => h("li", null,
      h("span", null, h("strong", null, WHY[r.reason]?.[0] ?? r.reason), WHY[r.reason]?.[1] && h("span", { class: "faint block" }, WHY[r.reason]?.[1])), h("span", { class: "tabular nowrap" }, `${r.bookings} job${r.bookings === 1 ? "" : "s"}`))))),
    h("section", { class: "card" }, h("h2", null, "The latest"), h("ul", { class: "lines" }, data.recent.map((/** @type {any} */ v) => h("li", null,
      h("span", null, v.categories.join(", "), h("span", { class: "faint block" }, `${WHY[v.reason]?.[0] ?? v.reason}${v.distance_m === null ? "" : ` · ${distance(v.distance_m)}`}`)), h("time", { class: "faint nowrap" }, ago(v.at)))))),
  ] : empty("No job was near you", "Whenever a job is dispatched near you, the reason that decided stands here."), { class: "stack" });
  return h("div", { class: "stack narrow middle" },
    h("div", { class: "row between" }, h("h1", null, "Why no jobs?"), h("div", { class: "pick", role: "group", "aria-label": "Days" }, [1, 7, 30].map((n) => h("button", { "aria-pressed": () => String(days() === n), onclick: () => days.set(n) }, n === 1 ? "A day" : `${n} days`)))),
    now(desk), body);
}

/** What stands against offers at this moment. @param {Desk} desk */
const now = (desk) => () => {
  const against = [];
  if (!desk.isOnline()) against.push("You are offline.");
  else if (desk.where.standing().state === "lost") against.push(desk.where.standing().text);
  if (desk.me().onboarding_status !== "verified") against.push("You are not verified yet.");
  if (!desk.me().is_active) against.push("Your account is not active.");
  return against.length ? h("div", { class: "notice warn" }, h("strong", null, "Now: "), against.join(" ")) : h("p", { class: "notice good" }, "Nothing stands against offers now.");
};

/** @param {Desk} desk */
export function daysOff(desk) {
  const chosen = signal(nextDays(2)[1]?.value ?? "");
  const [body, again] = view((abort) => desk.api.get("/v1/partner/days-off", {}, abort), ({ days_off }) => days_off.length ? h("ul", { class: "lines" }, days_off.map((/** @type {any} */ d) => h("li", null,
    h("time", { class: "tabular" }, new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" }).format(Date.parse(`${d.date}T00:00:00Z`))),
    deed("Work after all", async () => (await desk.api.remove(`/v1/partner/days-off/${d.date}`), again()))))) : empty("No days off ahead"));
  void desk.lookAgain();
  return h("div", { class: "stack narrow middle" }, h("h1", null, "Days off"),
    () => {
      const hours = desk.me().working_hours;
      return hours?.start && h("p", { class: "lead" }, `You usually work from ${hours.start} to ${hours.end}.`);
    },
    h("section", { class: "card stack tight" }, h("div", { class: "row" }, h("div", { class: "field" }, h("label", { for: "off" }, "Day"), h("input", { id: "off", type: "date", value: chosen.peek(), min: nextDays(1)[0]?.value, onchange: (/** @type {any} */ e) => chosen.set(e.target.value) }))),
      deed("Take this day off", async () => (await desk.api.put(`/v1/partner/days-off/${chosen.peek()}`, {}), again()), { class: "primary", disabled: () => !chosen() })),
    h("section", { class: "card" }, body));
}
