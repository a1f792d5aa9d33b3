// What a status is: its word, in a colour and with a shape.
import { h } from "./dom.js";
import { words } from "./format.js";

/** @type {Record<string, string>} */
const TONES = {};
for (const [tone, codes] of Object.entries({
  good: "completed success paid active verified accepted delivered resolved online settled succeeded processed answered approved captured available applied open_now",
  warn: "pending partner_assigned partially_refunded processing new invited pending_verification waiting assigned requested queued overdue stale",
  bad: "cancelled failed rejected blocked suspended expired urgent critical dead refused",
  info: "confirmed in_progress in_transit arrived refunded read replied busy sent issued offered",
})) for (const code of codes.split(" ")) TONES[code] = tone;

/**
 * @param {string | null | undefined} code such as "partner_assigned" @param {{tone?: string, label?: string}} [options]
 */
export const chip = (code, options = {}) => (code ? h("span", { class: ["chip", options.tone ?? TONES[code] ?? ""] }, options.label ?? words(code)) : h("span", { class: "faint" }, "–"));

/** A word that is no status. @param {string | null | undefined} text */
export const tag = (text) => h("span", { class: "chip plain" }, text ?? "–");

/** @param {boolean | null | undefined} is @param {[string, string]} [labels] */
export const yesNo = (is, labels = ["Yes", "No"]) => h("span", { class: ["chip", is ? "good" : ""] }, is ? labels[0] : labels[1]);
