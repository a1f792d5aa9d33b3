// One booking beside the map: who could come and why others cannot, what happened, money, messages.
import { effect, every, signal } from "../lib/state.js";
import { h, said } from "../lib/dom.js";
import { chip } from "../lib/chips.js";
import { empty, view } from "../lib/view.js";
import { ago, clockTime, countdown, dayTime, distance, minorMoney, money, secondsUntil, wholeTime, words } from "../lib/format.js";
import { toast, told } from "../lib/toast.js";
import { reason, whyNobody } from "./reasons.js";

/** @typedef {{partner_id: string, partner_code: string, partner_name: string, rank: number | null, reason: string | null, may_come_later: boolean, score: number | null, parts: Record<string, number> | null, distance_m: number | null, fix_age_s: number | null, rating: number | null}} Candidate */
/** @typedef {"who" | "what" | "money" | "messages"} Tab */

/** What no order of staff overrides. */
const NEVER = new Set(["not_verified", "blocked"]);
const OPEN = new Set(["pending", "partner_assigned", "confirmed"]);
/** @type {[Tab, string][]} */
const TABS = [["who", "Who"], ["what", "Timeline"], ["money", "Money"], ["messages", "Messages"]];

/**
 * @param {import("../lib/shell.js").Context} context @param {import("./store.js").Store} store
 * @param {import("./board-map.js").BoardMap} board @param {string} id
 */
export function bookingPanel({ api, can }, store, board, id) {
  const tab = signal(/** @type {Tab} */ ("who"));
  const tick = signal(0);
  every(1000, () => tick.update((n) => n + 1));
  board.trail.set([]);
  const version = signal("");
  const isBusy = signal(false);
  // Whatever the board hears of it means that the rest may have changed too.
  effect(() => (store.bookingNews(), version.set(JSON.stringify(store.bookings.get(id) ?? null))));

  /** @type {Candidate[]} */
  let ranked = [];
  /** What stood there before is shown until it was read anew: whoever reads it, or aims at a button, is not interrupted. */
  const before = { who: /** @type {any} */ (undefined), messages: /** @type {any} */ (undefined) };
  /** @param {Candidate | null} who @param {boolean} [force] */
  async function offer(who, force = false) {
    if (isBusy.peek()) return;
    isBusy.set(true);
    try {
      const done = await api.post(`/v1/admin/bookings/${id}/assign-partner`, who ? { partner_id: who.partner_id, force } : { force });
      toast(`Offered to ${done.assignment.partner_name.slice(0, 60)} until ${clockTime(done.assignment.expires_at, done.booking.timezone)}.`);
    } catch (error) {
      told(error);
    } finally {
      isBusy.set(false);
      again();
    }
  }

  const [body, again] = view(
    async (abort) => {
      version();
      return api.get(`/v1/admin/bookings/${id}`, {}, abort);
    },
    (found) => {
      const b = found.booking;
      return [
        h("header", { class: "detail-head" },
          h("div", { class: "row between" }, h("h2", { class: "tabular" }, b.booking_number), chip(b.status)),
          h("p", null, b.services.map((/** @type {any} */ s) => s.name ?? s.service_name).join(", ")),
          h("p", { class: "faint" }, h("time", { title: wholeTime(b.starts_at, b.timezone) }, dayTime(b.starts_at, b.timezone)), " · ", said(b.user?.name ?? b.contact?.name), " · ", said(b.contact?.phone_number ?? b.user?.phone_number)),
          h("p", { class: "faint" }, said([b.address?.address_line1, b.address?.city].filter(Boolean).join(", ")), " ", h("button", { class: "link", onclick: () => board.show(b.lat, b.lng) }, "Show")),
        ),
        () => standing(b),
        h("div", { class: "tabs", role: "tablist" }, TABS.map(([name, label]) => h("button", { role: "tab", id: `tab-${name}`, "aria-selected": () => String(tab() === name), "aria-controls": "tab-body", tabindex: () => (tab() === name ? "0" : "-1"), onclick: () => tab.set(name), onkeydown: turn }, label))),
        h("div", { class: "tab-body", id: "tab-body", role: "tabpanel", "aria-labelledby": () => `tab-${tab()}` }, () => ({ who: () => who(b), what: () => timeline(found.timeline, b.timezone), money: () => moneyOf(b, found.payment), messages })[tab()]()),
        h("p", null, h("a", { href: `/admin/bookings/${id}` }, "Everything about this booking")),
      ];
    },
    { class: "detail" },
  );

  /** @param {KeyboardEvent} event */
  function turn(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const names = TABS.map(([name]) => name);
    tab.set(/** @type {Tab} */ (names[(names.indexOf(tab.peek()) + step + names.length) % names.length]));
    document.getElementById(`tab-${tab.peek()}`)?.focus();
  }

  /** How it stands just now; only its times are drawn anew by the second. @param {any} b */
  function standing(b) {
    version();
    const live = store.bookings.get(id);
    if (b.partner?.status === "assigned" || live?.offered_to) {
      const until = live?.offer_expires_at ?? b.partner?.offer_expires_at;
      return h("p", { class: "standing offer" }, "Offered to ", said(b.partner?.name), h("strong", { class: "tabular" }, () => (tick(), ` ${countdown(secondsUntil(until))}`)), " left");
    }
    if (b.partner) return h("p", { class: "standing" }, said(b.partner.name), ` · ${words(b.partner.status)}`, " ", h("button", { class: "link", onclick: () => store.chosen.set({ kind: "technician", id: b.partner.id }) }, "Open"));
    if (!OPEN.has(b.status)) return null;
    const looks = live?.next_look_at;
    return h("p", { class: "standing waits" }, h("strong", null, "Nobody yet: "), whyNobody({ queue_reason: b.queue_reason ?? live?.queue_reason ?? null, waits_for: live?.waits_for ?? [] }), looks && h("span", { class: "tabular faint" }, () => (tick(), `, next look ${secondsUntil(looks) > 0 ? `in ${countdown(secondsUntil(looks))}` : "now"}`)));
  }

  /** @param {any} b */
  function who(b) {
    if (!OPEN.has(b.status)) return h("p", { class: "faint" }, "This booking is over, or under way.");
    const [place] = view((abort) => api.get(`/v1/admin/bookings/${id}/candidates`, {}, abort), (found) => {
      before.who = found;
      ranked = found.candidates.filter((/** @type {Candidate} */ c) => c.rank !== null);
      const others = found.candidates.filter((/** @type {Candidate} */ c) => c.rank === null && c.partner_id !== b.partner?.id);
      const isTaken = b.status === "confirmed" || b.status === "partner_assigned";
      const mayOffer = can("dispatch:write");
      return [
        mayOffer && h("div", { class: "actions" }, !b.partner && h("button", { class: "primary", disabled: () => isBusy() || !ranked.length, onclick: () => offer(ranked[0] ?? null, isTaken) }, ranked[0] ? `Offer to ${ranked[0].partner_name.slice(0, 24)}` : "Nobody can come"),
          h("button", { disabled: isBusy, onclick: () => offer(null, isTaken) }, "Search again")),
        ranked.length > 0 && h("ol", { class: "candidates" }, ranked.map((c) => candidate(c, mayOffer && h("button", { disabled: isBusy, "aria-label": `Offer to ${nameOf(c)}`, onclick: () => offer(c, isTaken) }, "Offer")))),
        others.length > 0 && h("h3", null, b.partner ? "Others who were looked at" : ranked.length ? "Why not the others" : "Why nobody"),
        [...groupsOf(others)].map(([why, some]) => h("details", { class: "why-not", open: some.length <= 2 && others.length <= 6 },
          h("summary", null, h("span", { class: ["why", some[0]?.may_come_later && "later"] }, reason(why)), h("span", { class: "count tabular" }, some.length)),
          h("ul", { class: "candidates" }, some.map((c) => candidate(c, mayOffer && !NEVER.has(why) && h("button", { disabled: isBusy, "aria-label": `Offer anyway to ${nameOf(c)}`, title: "Past everything but an accepted job", onclick: () => offer(c, true) }, "Offer anyway")))))),
        !found.candidates.length && empty("Nobody is near", "No technician with a position is within reach."),
      ];
    }, { first: before.who });
    return place;
  }

  /** @param {Candidate} c @param {import("../lib/dom.js").Child} action */
  function candidate(c, action) {
    const parts = Object.entries(c.parts ?? {});
    return h("li", { class: "candidate" },
      h("button", { class: "candidate-who link", onclick: () => store.chosen.set({ kind: "technician", id: c.partner_id }) }, said(c.partner_name)),
      h("span", { class: "faint tabular" }, distance(c.distance_m), c.rating !== null && ` · ${c.rating.toFixed(1)} ★`, c.fix_age_s !== null && c.fix_age_s > 90 && ` · seen ${countdown(c.fix_age_s)} ago`),
      !c.reason && h("span", { class: "parts", title: parts.map(([k, v]) => `${words(k)} ${v.toFixed(2)}`).join(", ") }, parts.map(([k, v]) => h("i", { class: "part", style: { "--part": Math.max(0.04, v) } }, h("span", null, words(k))))),
      h("span", { class: "candidate-act" }, action));
  }

  function messages() {
    const [place] = view((abort) => api.get(`/v1/admin/bookings/${id}/messages`, {}, abort), (found) => ((before.messages = found), found.messages.length
      ? h("ul", { class: "plain messages" }, found.messages.map((/** @type {any} */ m) => h("li", null, h("div", { class: "row between" }, h("span", { class: ["chip", "plain", m.reader === "customer" ? "info" : ""] }, words(m.reader)), h("time", { class: "faint", title: wholeTime(m.created_at) }, ago(m.created_at))), h("strong", null, said(m.title)), h("p", null, said(m.message)))))
      : empty("Nothing was said yet")), { first: before.messages });
    return place;
  }

  return { element: body, offerBest: () => void (ranked[0] ? offer(ranked[0]) : toast("Nobody can come just now.", { isBad: true })) };
}

/** Two may be called the same. @param {Candidate} c */
const nameOf = (c) => `${c.partner_name.slice(0, 60)} (${c.partner_code})`;

/** Those who cannot come by why, the ones first for whom waiting may help. @param {Candidate[]} some */
function groupsOf(some) {
  /** @type {Map<string, Candidate[]>} */
  const groups = new Map();
  for (const one of [...some].sort((a, b) => Number(b.may_come_later) - Number(a.may_come_later))) groups.set(one.reason ?? "", [...(groups.get(one.reason ?? "") ?? []), one]);
  return groups;
}

/** @param {any[]} events @param {string} timezone */
function timeline(events, timezone) {
  return h("ol", { class: "timeline" }, [...events].reverse().map((e) => h("li", null, h("time", { class: "tabular", title: wholeTime(e.timestamp, timezone) }, clockTime(e.timestamp, timezone)), h("div", null, h("strong", null, words(e.action)), h("p", { class: "faint" }, words(e.by), detailOf(e.data, timezone))))));
}

/** What a fact says beside its name; amounts as money, codes as words. @param {Record<string, any>} data @param {string} timezone */
function detailOf(data, timezone) {
  /** @type {string[]} */
  const told = [];
  for (const [key, value] of Object.entries(data ?? {})) {
    if (value === null || typeof value === "object" || typeof value === "boolean" || key.endsWith("_id") || key === "currency" || key === "number") continue;
    const name = words(key.replace(/_minor$/, "")).toLowerCase();
    if (key.endsWith("_minor")) told.push(`${name} ${minorMoney(value, data.currency)}`);
    else if (key === "reason") told.push(reason(value));
    else if (key.endsWith("_at") || key === "estimated_arrival") told.push(`${name.replace(/ at$/, "")} ${clockTime(value, timezone)}`);
    else told.push(`${name} ${typeof value === "string" ? value.replaceAll("_", " ") : value}`);
  }
  return told.length ? [" · ", said(told.slice(0, 4).join(", "))] : null;
}

/** @param {any} b @param {any} payment */
function moneyOf(b, payment) {
  /** @param {string} label @param {number} value @param {boolean} [isSum] */
  const line = (label, value, isSum) => [h("dt", { class: isSum && "sum" }, label), h("dd", { class: ["number money", isSum && "sum"] }, money(value, b.currency))];
  return [
    h("dl", { class: "bill" }, line("Services", b.pricing.subtotal), b.pricing.savings ? line("Savings", -b.pricing.savings) : null, b.pricing.discount ? line("Discount", -b.pricing.discount) : null, line("Tax", b.pricing.tax), line("Total", b.pricing.grand_total, true)),
    h("p", { class: "row" }, h("span", { class: "chip plain" }, words(payment.payment_method)), chip(payment.status)),
    payment.payments.length > 0 && h("ul", { class: "plain" }, payment.payments.map((/** @type {any} */ p) => h("li", { class: "row between" }, h("span", null, words(p.kind), " · ", words(p.status)), h("span", { class: "money" }, money(p.amount, p.currency))))),
    payment.refunds.length > 0 && [h("h3", null, "Refunds"), h("ul", { class: "plain" }, payment.refunds.map((/** @type {any} */ r) => h("li", { class: "row between" }, h("span", null, said(r.reason), " · ", words(r.status)), h("span", { class: "money" }, money(r.refund_amount, r.currency)))))],
  ];
}
