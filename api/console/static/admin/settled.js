// What was settled with one person by hand, and what is still open: wallets paid out, fees taken off, cash handed in.
import { h, said } from "../lib/dom.js";
import { chip } from "../lib/chips.js";
import { money, words } from "../lib/format.js";
import { newKey } from "../lib/api.js";
import { toast } from "../lib/toast.js";
import { view } from "../lib/view.js";
import { column, formOf, pathOf, plainTable, section, when } from "./kit.js";
import { mayDo } from "./rights.js";

/** @typedef {import("./kit.js").Office} Office */

const REVERSE = "/v1/admin/settlements/{id}/reverse";

/**
 * A part of somebody's page. `states` says how they stand in one currency.
 * @param {string} title @param {string} operation @param {(balance: any) => string} states
 */
export const settled = (title, operation, states) => (/** @type {Office} */ office, /** @type {any} */ person) => {
  if (!mayDo(office, "GET", operation)) return null;
  /** @type {() => void} */
  const again = () => reload();
  const [place, reload] = view((abort) => office.api.get(pathOf(operation, person), {}, abort), ({ balances, settlements }) => [
    h("p", { class: "pad" }, balances.map(states).join("; ") || "Nothing is open."),
    settlements.length > 0 && plainTable([
      column("What", (s) => words(s.kind)), column("Reference", (s) => s.reference && said(s.reference)), column("Because", (s) => s.reason && said(s.reason)),
      column("Recorded", (s) => when(s.created_at)), column("Amount", (s) => money(s.amount, s.currency), { isNumber: true }),
      column("", (s) => (s.reversed_at ? [chip("reversed", { label: "Taken back" }), " ", said(s.reversal_reason)] : takeBack(office, s, again))),
    ], settlements),
  ]);
  return section(title, h("div", { class: "list" }, place));
};

/** A record that was a mistake, and why. @param {Office} office @param {any} s @param {() => void} again */
const takeBack = (office, s, again) => mayDo(office, "POST", REVERSE) && h("details", null, h("summary", null, "Take back"), formOf(office, "POST", REVERSE, {
  action: "Take back",
  submit: (values) => office.api.post(pathOf(REVERSE, s), values, newKey()),
  done: () => (toast("The record is taken back."), again()),
}));
