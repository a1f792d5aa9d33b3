// What is offered, and where.
import { h, said } from "../../lib/dom.js";
import { tag, yesNo } from "../../lib/chips.js";
import { money, number } from "../../lib/format.js";
import { column, plainTable, related, section, when } from "../kit.js";
import { stars } from "../cells.js";
import { mayDo } from "../rights.js";
import { toast, told } from "../../lib/toast.js";

/** @typedef {import("../kit.js").Shape} Shape */
/** @typedef {import("../kit.js").Office} Office */

const SERVICE = "/v1/admin/services/{id}";
const EDIT = { isLong: ["description"], without: ["image_file_id", "image_url"], labels: { product_cost: "Price", market_price: "List price", prices: "Prices in other currencies" } };

/** @type {Shape} */
export const services = {
  noun: "service", key: "services", one: SERVICE, pick: (answer) => answer.service, exports: "/v1/admin/services/export", imports: "/v1/admin/services/import",
  none: "Nothing is offered yet", filters: ["category", "tier", "is_active", "currency"],
  columns: [
    column("Name", (s) => said(s.name), { sort: "name" }), column("Category", (s) => said(s.category), { sort: "category" }), column("Tier", (s) => tag(s.tier)),
    column("", (s) => yesNo(s.is_active, ["Offered", "Not offered"])),
    column("Minutes", (s) => number(s.duration_minutes), { isNumber: true, sort: "duration_minutes" }),
    column("List price", (s) => h("span", { class: "money faint" }, money(s.market_price, s.currency)), { isNumber: true }),
    column("Price", (s) => h("span", { class: "money" }, money(s.product_cost, s.currency)), { isNumber: true, sort: "price" }),
  ],
  status: (s) => [tag(s.tier), yesNo(s.is_active, ["Offered", "Not offered"])],
  facts: (s) => [["Category", said(s.category)], ["Kind", said(s.service_type)], ["Takes", `${s.duration_minutes} min`], ["What", said(s.description)], ["Since", when(s.created_at)], ["Changed", when(s.updated_at)]],
  sections: [
    (_, s) => section("Prices", h("div", { class: "list" }, plainTable([
      column("Currency", (p) => p.currency), column("List price", (p) => money(p.market_price, p.currency), { isNumber: true }), column("Price", (p) => money(p.product_cost, p.currency), { isNumber: true }),
    ], s.prices))),
    picture,
  ],
  create: EDIT,
  actions: [
    { label: "Edit", method: "PATCH", path: SERVICE, look: "primary", isEdit: true, form: EDIT },
    { label: "Offer again", method: "PATCH", path: SERVICE, when: (s) => !s.is_active, body: { is_active: true }, undo: () => ({ is_active: false }), done: "Offered." },
    { label: "No longer offer", method: "PATCH", path: SERVICE, when: (s) => s.is_active, body: { is_active: false }, undo: () => ({ is_active: true }), done: "Not offered any more." },
  ],
  batch: [
    { label: "Offer", path: "/v1/admin/services/batch", item: (s) => ({ id: s.id, is_active: true }) },
    { label: "No longer offer", path: "/v1/admin/services/batch", item: (s) => ({ id: s.id, is_active: false }) },
  ],
};

/** @param {Office} office @param {any} s @param {() => void} again */
function picture(office, s, again) {
  const may = mayDo(office, "POST", `${SERVICE}/image`);
  if (!s.image_url && !may) return null;
  /** @param {any} file */
  const send = async (file) => {
    const body = new FormData();
    body.set("file", file);
    try {
      await office.api.request("POST", `/v1/admin/services/${s.id}/image`, { body });
      toast("The picture is there.");
      again();
    } catch (error) {
      told(error);
    }
  };
  return section("Picture", h("div", { class: "card row" }, s.image_url && h("img", { src: s.image_url, alt: "", class: "picture" }),
    may && h("label", { class: "button" }, s.image_url ? "Another picture" : "Add a picture", h("input", { type: "file", accept: "image/*", class: "unseen", onchange: (/** @type {any} */ e) => e.target.files[0] && void send(e.target.files[0]) }))));
}

const CATEGORY = "/v1/admin/categories/{id}";
/** @type {Shape} */
export const categories = {
  noun: "category", key: "categories", one: CATEGORY, pick: (answer) => answer.category, none: "No categories yet", filters: ["is_active"],
  columns: [
    column("Name", (c) => said(c.name), { sort: "name" }), column("", (c) => yesNo(c.is_active, ["Shown", "Hidden"])), column("Services", (c) => number(c.services), { isNumber: true }),
    column("Place", (c) => number(c.position), { isNumber: true, sort: "position" }), column("What", (c) => said(c.description)),
  ],
  status: (c) => yesNo(c.is_active, ["Shown", "Hidden"]),
  facts: (c) => [["Services", number(c.services)], ["Place", number(c.position)], ["What", said(c.description)], ["Since", when(c.created_at)]],
  sections: [(office, c) => related(office, "Services", { path: "/v1/admin/services", operation: "/v1/admin/services", key: "services", query: { category: c.name }, open: (s) => `/admin/services/${s.id}`, columns: services.columns.slice(0, 4) })],
  create: { isLong: ["description"] },
  actions: [
    { label: "Edit", method: "PATCH", path: CATEGORY, isEdit: true, form: { isLong: ["description"] } },
    { label: "Delete", method: "DELETE", path: CATEGORY, look: "danger", isSlow: true, leaves: true },
  ],
};

const ZONE = "/v1/admin/zones/{id}";
/** @type {Shape} */
export const zones = {
  noun: "zone", key: "zones", one: ZONE, pick: (answer) => answer.zone, imports: "/v1/admin/zones/import",
  none: "No zones: everywhere is served", filters: ["is_active", "city", "currency"],
  columns: [
    column("Name", (z) => said(z.name), { sort: "name" }), column("Code", (z) => z.code, { sort: "code" }), column("City", (z) => said(z.city), { sort: "city" }),
    column("", (z) => yesNo(z.is_active, ["Served", "Not served"])), column("Open", (z) => `${z.opens.slice(0, 5)}–${z.closes.slice(0, 5)}`),
    column("Technicians", (z) => number(z.technicians), { isNumber: true }), column("Services", (z) => number(z.services), { isNumber: true }), column("Currency", (z) => z.currency),
  ],
  status: (z) => yesNo(z.is_active, ["Served", "Not served"]),
  facts: (z) => [
    ["Code", z.code], ["City", said(z.city)], ["State", said(z.state)], ["Open", `${z.opens.slice(0, 5)}–${z.closes.slice(0, 5)}`], ["Time zone", z.timezone], ["Currency", z.currency],
    ["Postal codes", said(z.pincodes.join(", "))], ["Centre", `${z.centre_lat.toFixed(4)}, ${z.centre_lng.toFixed(4)}`], ["Since", when(z.created_at)],
  ],
  sections: [
    (office, z) => related(office, "Technicians", { path: `/v1/admin/zones/${z.id}/technicians`, operation: "/v1/admin/partners", key: "technicians", open: (t) => `/admin/technicians/${t.partner_id}`, columns: [
      column("Name", (t) => said(t.name)), column("Code", (t) => t.partner_code), column("Does", (t) => said(t.service_categories.join(", "))), column("Available", (t) => yesNo(t.is_available)), column("Rating", (t) => stars(t.rating)), column("", (t) => t.is_bound && tag("of this zone")),
    ] }),
  ],
  create: { labels: { boundary: "Boundary (GeoJSON)" } },
  actions: [
    { label: "Edit", method: "PATCH", path: ZONE, isEdit: true, form: { labels: { boundary: "Boundary (GeoJSON)" } } },
    { label: "Serve", method: "PATCH", path: ZONE, when: (z) => !z.is_active, body: { is_active: true }, undo: () => ({ is_active: false }), done: "Served." },
    { label: "No longer serve", method: "PATCH", path: ZONE, when: (z) => z.is_active, body: { is_active: false }, undo: () => ({ is_active: true }), done: "Not served any more." },
  ],
};

