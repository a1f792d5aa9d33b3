// What can be done with a booking: shared, moved, cancelled, rated.
import { computed, signal, untracked } from "../lib/state.js";
import { h, said } from "../lib/dom.js";
import { money, visitTime } from "../lib/format.js";
import { onceEach } from "../lib/once.js";
import { toast } from "../lib/toast.js";
import { view } from "../lib/view.js";
import { deed, panel } from "../people/deeds.js";
import { nextDays, sums } from "../people/common.js";

/** @typedef {import("../lib/api.js").Client} Client */

/** @param {Client} api @param {any} b */
export const sharing = (api, b) => panel("Share this visit", () => {
  const link = signal(/** @type {any} */ (null));
  const url = () => location.origin + link().path;
  return [
    h("p", null, "Whoever has the link sees how the visit stands and, while the technician is on the way or working, where they are. Nothing else."),
    () => link() ? h("div", { class: "stack tight" },
      h("input", { readonly: true, value: url(), "aria-label": "Link", onfocus: (/** @type {any} */ e) => e.target.select() }),
      h("p", { class: "faint" }, `It works until ${visitTime(link().expires_at, b.timezone)}.`),
      h("div", { class: "actions" },
        h("button", { class: "primary", onclick: () => share(url()) }, "share" in navigator ? "Share" : "Copy"),
        h("a", { class: "button", href: link().path, target: "_blank", rel: "noopener" }, "Look at it"),
        deed("Take it back", async () => (await api.remove(`/v1/bookings/${b.id}/tracking-link`), link.set(null), toast("The link shows nothing any more.")))))
      : deed("Make a link", async () => link.set(await api.post(`/v1/bookings/${b.id}/tracking-link`)), { class: "primary" }),
  ];
});

/** @param {string} url */
async function share(url) {
  try {
    if (navigator.share) await navigator.share({ url });
    else {
      await navigator.clipboard.writeText(url);
      toast("Copied.");
    }
  } catch {
    toast("Copy the link from the field.");
  }
}

/**
 * What it costs may change under the words that somebody is typing.
 * @param {Client} api @param {() => any} last the booking @param {() => void} again
 */
export function cancelling(api, last, again) {
  const { id, currency, timezone } = untracked(last);
  const { once } = onceEach();
  const fee = computed(() => last().cancellation_quote?.fee);
  const reason = h("textarea", { rows: 2, maxlength: 1000, id: "cancel-reason" });
  return panel("Cancel the booking", () => [
    () => {
      const quote = last().cancellation_quote;
      // Without one this goes in a moment.
      return quote && [
        quote.fee > 0 ? h("p", { class: "notice warn" }, "Cancelling now costs a fee of ", h("strong", { class: "money" }, money(quote.fee, currency)), ".") : h("p", { class: "notice good" }, `Cancelling now costs nothing. From ${visitTime(quote.free_until, timezone)} on, once a technician has accepted, it costs a fee.`),
        quote.refund_amount > 0 && sums([["Comes back to you", quote.refund_amount, "sum"]], currency),
      ];
    },
    h("div", { class: "field" }, h("label", { for: "cancel-reason" }, "Why? (you need not say)"), reason),
    () => {
      // What is agreed to is the fee that stands here; by now it may be another.
      const agreed = fee();
      return deed(agreed > 0 ? `Cancel and pay ${money(agreed, currency)}` : "Cancel the booking", async () => {
        const { cancellation_quote: now } = await api.get(`/v1/bookings/${id}`);
        if (now?.fee > agreed) {
          toast(`Cancelling costs ${money(now.fee, currency)} by now. Nothing was cancelled.`, { isBad: true });
          return again();
        }
        const body = { reason: reason.value.trim() || null };
        await once(JSON.stringify(body), (key) => api.request("POST", `/v1/bookings/${id}/cancel`, { body, key }));
        again();
      }, { class: "danger", failed: again });
    },
  ], "danger");
}

/** @param {Client} api @param {any} b @param {() => void} again */
export const moving = (api, b, again) => panel("Move it to another time", () => {
  const chosen = signal(b.booking_date);
  const days = nextDays(14, b.timezone);
  const [times] = view(async (abort) => {
    const day = chosen();
    const answer = await api.request("POST", "/v1/checkout/prepare", { abort, body: { items: b.services.map((/** @type {any} */ s) => ({ service_id: s.id, quantity: s.quantity })), address_id: b.address.id, booking_date: day } });
    return { day, ...answer.data };
  }, (found) => found.available_time_slots.length
    ? h("div", { class: "pick" }, found.available_time_slots.map((/** @type {string} */ at) => deed(at, async () => (await api.post(`/v1/bookings/${b.id}/reschedule`, { booking_date: found.day, booking_time: at }), toast("Moved."), again()))))
    : h("p", { class: "faint" }, found.no_time?.message ?? "No time is free on this day."));
  return [
    h("div", { class: "scroll-row pick", role: "group", "aria-label": "Day" }, days.map((d) => h("button", { "aria-pressed": () => String(chosen() === d.value), onclick: () => chosen.set(d.value) }, d.label))),
    times,
  ];
});

/** @param {Client} api @param {any} b @param {() => void} again */
export function rating(api, b, again) {
  if (b.rating) {
    return h("section", { class: "card" }, h("h2", null, "Your rating"), h("p", { class: "stars-shown", "aria-label": `${b.rating} of 5 stars` }, "★".repeat(b.rating), h("span", { class: "faint" }, "★".repeat(5 - b.rating))), b.feedback && h("p", null, said(b.feedback)));
  }
  const stars = signal(0);
  const words = h("textarea", { rows: 2, maxlength: 2000, id: "rate-words" });
  const label = () => ["Choose one to five stars", "Bad", "Not good", "All right", "Good", "Very good"][stars()];
  return h("section", { class: "card stack tight" },
    h("h2", null, "How was it?"),
    h("div", { class: "stars", role: "radiogroup", "aria-label": "Stars" }, [1, 2, 3, 4, 5].map((n) => h("button", { type: "button", class: "icon star", role: "radio", "aria-checked": () => String(stars() === n), "aria-label": `${n} star${n > 1 ? "s" : ""}`, "data-on": () => String(n <= stars()), onclick: () => stars.set(n) }, "★")), h("span", { class: "faint" }, label)),
    h("div", { class: "field" }, h("label", { for: "rate-words" }, "A few words (you need not)"), words),
    deed("Send", async () => {
      await api.post(`/v1/bookings/${b.id}/rate`, { rating: stars.peek(), feedback: words.value.trim() || null });
      toast("Thank you.");
      again();
    }, { class: "primary", disabled: () => stars() === 0 }));
}
