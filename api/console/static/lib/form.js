// Forms made from models: a new field of an API is a new line here without anybody writing it.
import { signal } from "./state.js";
import { h } from "./dom.js";
import { Problem } from "./api.js";
import { sentenceOf } from "./problems.js";
import { words } from "./format.js";

/** @typedef {import("./schema.js").Field} Field */

/**
 * A form of these fields. `submit` gets what was changed (`isPatch`) or everything; what the server says of a field
 * stands beside it.
 * @param {Field[]} fields
 * @param {{
 *   submit: (values: Record<string, any>) => Promise<unknown>, value?: Record<string, any>, action?: string,
 *   only?: string[], without?: string[], labels?: Record<string, string>, isPatch?: boolean, done?: () => void,
 *   choices?: Record<string, {value: string, label: string}[]>, isLong?: string[],
 * }} options
 */
export function form(fields, options) {
  const shown = fields.filter((f) => (!options.only || options.only.includes(f.name)) && !options.without?.includes(f.name));
  const value = options.value ?? {};
  const problems = signal(/** @type {Record<string, string[]>} */ ({}));
  const sentence = signal("");
  const isBusy = signal(false);
  const inputs = shown.map((f) => {
    const known = options.choices?.[f.name];
    const field = known ? { ...f, kind: /** @type {Field["kind"]} */ ("choice"), choices: known.map((c) => c.value) } : options.isLong?.includes(f.name) ? { ...f, kind: /** @type {Field["kind"]} */ ("long") } : f;
    return { field, ...input(field, value[f.name] ?? f.initial, known) };
  });

  async function send() {
    /** @type {Record<string, any>} */
    const values = {};
    for (const { field, read, before } of inputs) {
      const now = read();
      if (options.isPatch && JSON.stringify(now) === JSON.stringify(before)) continue;
      if (now === undefined || (now === null && !field.isNullable)) continue;
      if (now === null && !options.isPatch) continue;
      values[field.name] = now;
    }
    problems.set({});
    sentence.set("");
    isBusy.set(true);
    try {
      await options.submit(values);
      options.done?.();
    } catch (error) {
      if (error instanceof Problem) problems.set(error.fields);
      sentence.set(sentenceOf(error));
    } finally {
      isBusy.set(false);
    }
  }

  return h("form", { class: "form", novalidate: true, onsubmit: (/** @type {Event} */ e) => (e.preventDefault(), void send()) },
    inputs.map(({ field, element, id }) => h("div", { class: ["field", field.kind] },
      h("label", { for: id }, options.labels?.[field.name] ?? field.label, field.isRequired && h("span", { class: "required", title: "needed" }, " *")),
      element,
      field.help && h("p", { class: "help", id: `${id}-help` }, field.help),
      () => (problems()[field.name] ?? []).map((text) => h("p", { class: "problem" }, text)),
    )),
    () => sentence() && h("p", { class: "problem", role: "alert" }, sentence()),
    h("div", { class: "actions" }, h("button", { class: "primary", disabled: isBusy }, options.action ?? "Save")),
  );
}

let count = 0;

/**
 * @param {Field} field @param {any} value @param {{value: string, label: string}[]} [known]
 * @returns {{element: HTMLElement, id: string, read: () => any, before: any}}
 */
export function input(field, value, known) {
  const id = `f${++count}-${field.name}`;
  const common = { id, name: field.name, required: field.isRequired, "aria-describedby": field.help ? `${id}-help` : null };
  /** @param {HTMLElement} element @param {() => any} read */
  const made = (element, read) => ({ element, id, read, before: read() });
  switch (field.kind) {
    case "boolean": {
      const element = h("input", { ...common, type: "checkbox", checked: Boolean(value), required: null });
      return made(element, () => element.checked);
    }
    case "choice": {
      const labels = new Map(known?.map((c) => [c.value, c.label]));
      const element = h("select", common, !field.isRequired && h("option", { value: "" }, "–"),
        field.choices.map((one) => h("option", { value: one, selected: String(value) === one }, labels.get(one) ?? words(one))));
      return made(element, () => element.value || null);
    }
    case "choices": {
      const boxes = field.choices.map((one) => h("input", { type: "checkbox", value: one, checked: (value ?? []).includes(one) }));
      const element = h("div", { id, role: "group", class: "choices", "aria-label": field.label }, boxes.map((box) => h("label", null, box, words(box.value))));
      return made(element, () => boxes.filter((box) => box.checked).map((box) => box.value));
    }
    case "texts": {
      const element = h("input", { ...common, type: "text", value: (value ?? []).join(", "), placeholder: "a, b, c" });
      return made(element, () => element.value.split(",").map((one) => one.trim()).filter(Boolean));
    }
    case "number": {
      const element = h("input", { ...common, type: "number", value: value ?? "", step: field.isWhole ? 1 : "any", min: field.minimum, max: field.maximum, inputmode: field.isWhole ? "numeric" : "decimal" });
      return made(element, () => (element.value === "" ? null : Number(element.value)));
    }
    case "long": {
      const element = h("textarea", { ...common, rows: 3, maxlength: field.most, value: value ?? "" });
      return made(element, () => element.value.trim() || null);
    }
    case "object": {
      const element = h("textarea", { ...common, rows: 4, spellcheck: false, class: "code", value: value === undefined || value === null ? "" : JSON.stringify(value, null, 2) });
      return made(element, () => jsonOf(element.value));
    }
    case "moment": {
      const element = h("input", { ...common, type: "datetime-local", value: value ? localOf(value) : "" });
      return made(element, () => (element.value ? new Date(element.value).toISOString() : null));
    }
    default: {
      const element = h("input", { ...common, type: field.kind, value: value ?? "", maxlength: field.most });
      return made(element, () => element.value.trim() || null);
    }
  }
}

/** @param {string} text */
function jsonOf(text) {
  if (!text.trim()) return null;
  try {
    return JSON.parse(text);
  } catch {
    // The server names the field in its refusal.
    return text;
  }
}

/** @param {string} moment */
function localOf(moment) {
  const date = new Date(moment);
  return new Date(+date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
