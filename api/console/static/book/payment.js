// How it is paid, who is to be called, and what it costs.
import { computed, every, signal } from "../lib/state.js";
import { h, said } from "../lib/dom.js";
import { secondsUntil, money, countdown } from "../lib/format.js";
import { isPassing, sentenceOf } from "../lib/problems.js";
import { failed, soonAgain } from "../lib/view.js";
import { deed } from "../people/deeds.js";
import { dayName, sums } from "../people/common.js";

/** @typedef {import("./page.js").Desk} Desk */

/** @param {Desk} desk */
export function payment(desk) {
  const wallet = signal(/** @type {any} */ (null));
  let tries = 0;
  const load = () => void desk.api.get("/v1/wallet", { limit: 1 }).then(wallet.set, (error) => isPassing(error) && soonAgain(load, ++tries, error));
  load();
  const balance = computed(() => {
    const currency = desk.preview()?.pricing.currency;
    const held = wallet()?.balances?.find((/** @type {any} */ b) => b.currency === currency);
    return held?.balance > 0 && money(held.balance, currency);
  });
  /** @param {"cash" | "online"} method @param {string} title @param {string} text */
  const way = (method, title, text) => h("label", { class: "choice" }, h("input", { type: "radio", name: "method", checked: () => desk.wish().method === method, onchange: () => desk.choose({ method }) }), h("span", { class: "tile" }, h("strong", null, title), h("span", { class: "faint" }, text)));
  const promo = h("input", { id: "promo", maxlength: 50, value: desk.wish.peek().promo, autocapitalize: "characters", autocomplete: "off", spellcheck: false, onkeydown: (/** @type {KeyboardEvent} */ e) => e.key === "Enter" && apply() });
  const apply = () => desk.choose({ promo: promo.value.trim() });
  const name = h("input", { id: "who", maxlength: 255, value: desk.wish.peek().name, autocomplete: "name", oninput: () => desk.choose({ name: name.value }) });
  const phone = h("input", { id: "call", type: "tel", maxlength: 32, value: desk.wish.peek().phone, autocomplete: "tel", oninput: () => desk.choose({ phone: phone.value }) });
  return h("section", { class: "card stack" }, h("h2", null, "Payment"),
    h("div", { class: "cards two" }, way("cash", "Cash", "To the technician, when it is done"), way("online", "Online", "Now, on the payment page")),
    () => balance() && h("label", { class: "row" }, h("input", { type: "checkbox", checked: () => desk.wish().use_wallet, onchange: (/** @type {any} */ e) => desk.choose({ use_wallet: e.target.checked }) }), "Use my wallet first: ", h("strong", { class: "money" }, balance())),
    h("div", { class: "field" }, h("label", { for: "promo" }, "Promo code"), h("div", { class: "row promo" }, promo, h("button", { type: "button", onclick: apply }, "Apply")),
      () => desk.preview()?.promo && h("p", { class: desk.preview().promo.valid ? "good-text" : "problem", role: "status" }, said(desk.preview().promo.message))),
    h("div", { class: "cards two" }, h("div", { class: "field" }, h("label", { for: "who" }, "Name at the door"), name), h("div", { class: "field" }, h("label", { for: "call" }, "Phone at the door"), phone)));
}

/** The summary with the one button. @param {Desk} desk @param {() => Promise<unknown>} confirm */
export function prices(desk, confirm) {
  const accepted = signal(false);
  let tries = 0;
  const tick = signal(0);
  every(1000, () => {
    tick.update((n) => n + 1);
    const preview = desk.preview.peek();
    // A price that is over is asked for anew, before it is pressed on.
    if (preview && secondsUntil(preview.expires_at) < 5 && !desk.isPricing.peek() && !desk.wish.peek().pending && !document.hidden) desk.again();
  });
  const missing = computed(() => {
    const w = desk.wish();
    if (!Object.values(w.items).some((n) => n > 0)) return "Choose a service.";
    if (!w.address_id) return "Choose a place.";
    if (!w.time) return "Choose a time.";
    if (!w.name.trim()) return "Say who is at the door.";
    if (!w.phone.trim()) return "Say whom to call.";
    if (!accepted()) return "Accept the cancellation terms.";
    return "";
  });
  return h("div", { class: "card stack" }, h("h2", null, "Your booking"),
    () => {
      const error = desk.trouble();
      if (!error) return void (tries = 0);
      return isPassing(error) ? failed(error, desk.again, ++tries) : h("p", { class: "notice bad", role: "alert" }, sentenceOf(error));
    },
    () => {
      const p = desk.preview();
      if (!p) return !desk.trouble() && h("p", { class: "faint" }, "What you choose appears here with its price.");
      const lines = p.services.map((/** @type {any} */ s) => /** @type {[string, number]} */ ([`${s.name}${s.quantity > 1 ? ` × ${s.quantity}` : ""}`, s.unit_price * s.quantity]));
      return [
        sums([...lines, ["Saved", p.pricing.savings, "minus"], ["Promo", p.pricing.discount, "minus"], ["Tax", p.pricing.tax], ["Total", p.pricing.grand_total, "sum"], ["Owed from before", p.outstanding_fee]], p.pricing.currency),
        p.held_time && h("p", { class: "faint" }, () => (tick(), `The time and this price are kept for you for ${countdown(secondsUntil(p.expires_at))}.`)),
      ];
    },
    () => desk.wish().time && desk.wish().day && h("p", { class: "row" }, h("strong", null, dayName(desk.wish().day ?? "")), h("span", { class: "tabular" }, desk.wish().time)),
    h("label", { class: "row terms" }, h("input", { type: "checkbox", checked: accepted, onchange: (/** @type {any} */ e) => accepted.set(e.target.checked) }), "I know that cancelling later can cost a fee"),
    deed([() => desk.wish().method === "online" ? "Book and pay" : "Book", () => desk.preview() && ` · ${money(desk.preview().amount_to_collect, desk.preview().pricing.currency)}`], confirm, { class: "primary wide", disabled: () => Boolean(missing()) || !desk.preview() || desk.isPricing() || desk.preview().held_time === null }),
    () => missing() && h("p", { class: "faint" }, missing()));
}
