// What a member of staff may do: the role's rights, and what is different for one person.
import { h } from "../lib/dom.js";
import { chip } from "../lib/chips.js";
import { words } from "../lib/format.js";
import { view } from "../lib/view.js";
import { section } from "./kit.js";
import { mayDo } from "./rights.js";

/** @typedef {import("./kit.js").Office} Office */
/** @typedef {import("../lib/form.js").Made} Made */

/** @type {string[]} */
let resources = [];

/** Asked for once, before a form needs it. @param {Office} office */
export async function learnRoles(office) {
  if (!resources.length && mayDo(office, "GET", "/v1/admin/staff/roles")) resources = (await office.api.get("/v1/admin/staff/roles")).resources;
}

/** @param {string[] | string | null | undefined} held */
const levelOf = (held) => (held === null || held === undefined ? "" : typeof held === "string" ? held : held.includes("write") ? "write" : held.length ? "read" : "none");

/**
 * What differs from the role, for each resource. @param {any} value @param {import("../lib/schema.js").Field} field @returns {Made}
 */
export function rolesOf(value, field) {
  const id = `own-${field.name}`;
  const selects = resources.map((name) => {
    const now = value && name in value ? levelOf(value[name]) || "none" : "";
    const select = h("select", { "aria-label": words(name), name }, [["", "As the role"], ["read", "May look"], ["write", "May change"], ["none", "Nothing"]].map(([level, label]) => h("option", { value: level, selected: level === now }, label)));
    return { name, select };
  });
  const read = () => Object.fromEntries(selects.filter(({ select }) => select.value).map(({ name, select }) => [name, select.value === "none" ? null : select.value]));
  const element = h("div", { id, class: "rights", role: "group", "aria-label": "What differs from the role" }, selects.map(({ name, select }) => h("label", null, h("span", null, words(name)), select)));
  return { element, id, read, before: read() };
}

/** What somebody may do in the end, what is not the role's marked. @param {Office} office @param {any} s */
export const rightsOf = (office, s) => section("May", view(() => learnRoles(office), () => h("div", { class: "card" }, h("ul", { class: "rights-list" }, (resources.length ? resources : Object.keys(s.permissions)).map((name) => {
  const level = levelOf(s.permissions[name]) || "none";
  return h("li", { class: level === "none" ? "faint" : null }, h("span", null, words(name)), chip(level, { tone: level === "write" ? "good" : level === "read" ? "info" : "", label: { write: "change", read: "look", none: "nothing" }[level] }), name in s.overrides && h("span", { class: "faint" }, "own"));
}))))[0]);
