// What a form names by an id, found by its name: where to look, and what it is called.
import { mayDo } from "./rights.js";

/** @typedef {import("./kit.js").Office} Office */
/** @typedef {{path: string, key: string, label: (row: any) => string, id?: string}} Look */

/** @type {Look} */
const staff = { path: "/v1/admin/staff", key: "staff", label: (s) => `${s.name ?? "Somebody"} (${s.email ?? "no e-mail"})` };

/** @type {Record<string, Look>} */
const LOOKS = {
  partner_id: { path: "/v1/admin/partners", key: "partners", label: (p) => `${p.partner_code} ${p.name}` },
  technician_id: { path: "/v1/admin/partners", key: "partners", label: (p) => `${p.partner_code} ${p.name}` },
  service_id: { path: "/v1/admin/services", key: "services", label: (s) => s.name },
  zone_id: { path: "/v1/admin/zones", key: "zones", label: (z) => `${z.name} (${z.code})` },
  staff_id: staff,
  assigned_to: staff,
  account_id: staff,
  category: { path: "/v1/admin/categories", key: "categories", label: (c) => c.name, id: "name" },
};
const MOST = 20;

/**
 * How to find what these fields name, for who may list it.
 * @param {Office} office @returns {Record<string, import("../lib/form.js").Find>}
 */
export const findsOf = (office) => Object.fromEntries(Object.entries(LOOKS).filter(([, look]) => mayDo(office, "GET", look.path)).map(([field, look]) => [field, async (/** @type {string} */ text) => {
  const can = office.schema.listOf(look.path);
  const { data } = await office.api.page(look.path, { limit: MOST, ...(can.searches && text.length < 60 && !text.includes("(") ? { search: text } : {}) });
  return data[look.key].map((/** @type {any} */ row) => ({ value: row[look.id ?? "id"], label: look.label(row) }));
}]));

/**
 * The values of fields that name categories and tiers, for who may list them.
 * @param {import("../lib/api.js").Client} api @param {import("../lib/schema.js").Schema} schema @param {(permission: string) => boolean} can
 * @returns {Promise<Record<string, import("../lib/form.js").Choice[]>>}
 */
export async function choicesOf(api, schema, can) {
  const path = LOOKS.category?.path ?? "";
  const tiers = schema.bodyOf("POST", "/v1/admin/services").find((field) => field.name === "tier")?.choices ?? [];
  const same = (/** @type {string[]} */ names) => names.map((name) => ({ value: name, label: name }));
  const categories = can(schema.permissionOf("GET", path)) ? (await api.page(path, { limit: 100 })).data.categories.map((/** @type {any} */ c) => c.name) : [];
  return { ...(categories.length ? { service_categories: same(categories) } : {}), ...(tiers.length ? { service_tiers: same(tiers) } : {}) };
}
