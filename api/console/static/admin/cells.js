// Cells that several lists share.
import { h, said } from "../lib/dom.js";
import { chip } from "../lib/chips.js";
import { money } from "../lib/format.js";
import { column, when } from "./kit.js";

/** @param {any} address */
export const placeOf = (address) => said([address?.address_line1, address?.address_line2, address?.city, address?.pincode ?? address?.postal_code].filter(Boolean).join(", "));

export const bookingColumns = [
  column("Booking", (b) => h("span", { class: "tabular" }, b.booking_number)),
  column("Status", (b) => chip(b.status)),
  column("When", (b) => when(b.starts_at, b.timezone), { sort: "starts_at" }),
  column("Customer", (b) => said(b.user?.name ?? b.user?.phone_number)),
  column("Technician", (b) => said(b.partner?.name)),
  column("Payment", (b) => chip(b.payment_status)),
  column("Total", (b) => h("span", { class: "money" }, money(b.grand_total, b.currency)), { isNumber: true, sort: "grand_total" }),
];

/** @param {number | null | undefined} rating */
export const stars = (rating) => (rating === null || rating === undefined ? h("span", { class: "faint" }, "unrated") : h("span", { class: "tabular" }, "★ ", rating.toFixed(1)));
