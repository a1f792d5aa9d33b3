// Forms made from models: a new field of an API is a new line here without anybody writing it.
import { effect, signal } from "./state.js";
import { fill, h } from "./dom.js";
import { Problem } from "./api.js";
import { trouble } from "./view.js";
import { momentAt, wallTime, words } from "./format.js";

/** @typedef {import("./schema.js").Field} Field */
/** @typedef {{value: string, label: string}} Choice */
/** @typedef {(text: string) => Promise<Choice[]>} Find */
/** @typedef {{element: HTMLElement, id: string, read: () => any, before: any}} Made */

const TYPING_MS = 250;

/**
 * A form of these fields. `submit` gets what was changed (`isPatch`) or everything; what the server says of a field
 * stands beside it.
 * @param {Field[]} fields
 * @param {{
 *   submit: (values: Record<string, any>) => Promise<unknown>, value?: Record<string, any>, action?: string,
 *   only?: string[], without?: string[], labels?: Record<string, string>, isPatch?: boolean, done?: () => void,
 *   choices?: Record<string, {value: string, label: string}[]>, isLong?: string[], finds?: Record<string, Find>,
 *   own?: Record<string, (value: any, field: Field) => Made>,
 * }} options `finds` search for what a field names by its id; `own` makes the element of a field that has one of its own
 */
export function form(fields, options) {
  const shown = fields.filter((f) => (!options.only || options.only.includes(f.name)) && !options.without?.includes(f.name));
  const value = options.value ?? {};
  const problems = signal(/** @type {Record<string, string[]>} */ ({}));
  const wrong = trouble();
  const inputs = shown.map((f) => {
    const known = options.choices?.[f.name];
    const isMany = f.kind === "choices" || f.kind === "texts" || f.kind === "numbers";
    const field = known ? { ...f, kind: /** @type {Field["kind"]} */ (isMany ? "choices" : "choice"), choices: known.map((c) => c.value) } : options.isLong?.includes(f.name) ? { ...f, kind: /** @type {Field["kind"]} */ ("long") } : f;
    const given = value[f.name] ?? f.initial;
    const find = options.finds?.[f.name];
    return { field, ...(options.own?.[f.name]?.(given, field) ?? (find ? finder(field, given, find) : input(field, given, known))) };
  });
  /** What the server said of a field, or of a part of it. @param {string} name */
  const saidOf = (name) => Object.entries(problems()).flatMap(([at, texts]) => (at === name ? texts : at.startsWith(`${name}.`) ? texts.map((text) => `${words(at.slice(name.length + 1))}: ${text}`) : []));

  /** What is typed and no value to the browser would be left out as if it were empty. */
  function unread() {
    const found = inputs.flatMap(({ field, element }) => {
      const wrong = [element, ...element.querySelectorAll("input")].find((one) => one instanceof HTMLInputElement && one.validity.badInput);
      return wrong ? [[field.name, [wrong.getAttribute("type") === "number" ? "This is no number." : "This is not a whole date or time."]]] : [];
    });
    return Object.fromEntries(found);
  }

  /** Whoever sent it stands at its end; what is wrong may be far above. @param {Record<string, string[]>} said */
  function point(said) {
    problems.set(said);
    const first = inputs.find(({ field }) => Object.keys(said).some((at) => at === field.name || at.startsWith(`${field.name}.`)));
    if (!first) return;
    const control = controlOf(first);
    const typed = control.matches("div") ? /** @type {HTMLElement | null} */ (control.querySelector("input, select, textarea")) : control;
    typed?.focus();
  }

  /** Where somebody was when it was sent. @type {Element | null} */
  let here = null;
  /** What is typed while it is sent would be neither sent nor kept. @param {boolean} is */
  function lock(is) {
    if (is) here = document.activeElement;
    for (const one of /** @type {Iterable<HTMLInputElement>} */ (element.elements)) one.disabled = is;
    if (!is && document.activeElement === document.body && here instanceof HTMLElement && element.contains(here)) here.focus();
  }

  async function send() {
    const wrongInputs = unread();
    wrong.set(null);
    if (Object.keys(wrongInputs).length) return point(wrongInputs);
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
    lock(true);
    try {
      await options.submit(values);
    } catch (error) {
      lock(false);
      wrong.set(error);
      if (error instanceof Problem) point(error.fields);
      return;
    }
    lock(false);
    // From here on it is what was sent.
    for (const one of inputs) one.before = one.read();
    isBegun.set(false);
    options.done?.();
  }

  const isBegun = signal(false);
  for (const made of inputs) {
    const control = controlOf(made);
    const help = control.getAttribute("aria-describedby");
    effect(() => {
      const isWrong = saidOf(made.field.name).length > 0;
      const described = [help, isWrong && `${made.id}-wrong`].filter(Boolean).join(" ");
      if (!control.matches("div")) control.setAttribute("aria-invalid", String(isWrong));
      if (described) control.setAttribute("aria-describedby", described);
      else control.removeAttribute("aria-describedby");
    });
  }
  const element = h("form", { class: "form", novalidate: true, "data-begun": isBegun, oninput: () => isBegun.set(true), onsubmit: (/** @type {Event} */ e) => (e.preventDefault(), void send()) },
    inputs.map(({ field, element, id }) => h("div", { class: ["field", field.kind] },
      h("label", { for: id }, options.labels?.[field.name] ?? field.label, field.isRequired && h("span", { class: "required", title: "needed" }, " *")),
      element,
      field.help && h("p", { class: "help", id: `${id}-help` }, field.help),
      () => saidOf(field.name).map((text, n) => h("p", { class: "problem", id: n ? null : `${id}-wrong` }, text)),
    )),
    wrong.line,
    h("div", { class: "actions" }, h("button", { class: "primary" }, options.action ?? "Save")),
  );
  return element;
}

/** What is typed into. @param {Made} made @returns {HTMLElement} */
const controlOf = ({ element, id }) => (element.id === id ? element : element.querySelector(`#${id}`) ?? element);

let count = 0;

/**
 * @param {Field} field @param {any} value @param {Choice[]} [known]
 * @returns {Made}
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
      const element = h("select", common, (!field.isRequired || value === undefined || value === null) && h("option", { value: "" }, field.isRequired ? "Choose" : "–"),
        field.choices.map((one) => h("option", { value: one, selected: String(value) === one }, labels.get(one) ?? words(one))));
      return made(element, () => element.value || null);
    }
    case "choices": {
      const boxes = field.choices.map((one) => h("input", { type: "checkbox", value: one, checked: (value ?? []).map(String).includes(one) }));
      const labels = new Map(known?.map((c) => [c.value, c.label]));
      const element = h("div", { id, role: "group", class: "choices", "aria-label": field.label }, boxes.map((box) => h("label", null, box, labels.get(box.value) ?? words(box.value))));
      return made(element, () => boxes.filter((box) => box.checked).map((box) => (/^\d+$/.test(box.value) ? Number(box.value) : box.value)));
    }
    case "numbers":
    case "texts": {
      const element = h("input", { ...common, type: "text", value: (value ?? []).join(", "), placeholder: "a, b, c" });
      const parts = () => element.value.split(",").map((one) => one.trim()).filter(Boolean);
      return made(element, () => (field.kind === "texts" ? parts() : parts().map((one) => (Number.isNaN(Number(one)) ? one : Number(one)))));
    }
    case "number": {
      const element = h("input", { ...common, type: "number", value: value ?? "", step: field.isWhole ? 1 : "any", min: field.minimum, max: field.maximum, inputmode: field.isWhole ? "numeric" : "decimal" });
      return made(element, () => (element.value === "" ? null : Number(element.value)));
    }
    case "long": {
      const element = h("textarea", { ...common, rows: 3, maxlength: field.most, value: value ?? "" });
      return made(element, () => element.value.trim() || null);
    }
    case "rows":
      return rowsOf(field, value, id);
    case "object": {
      if (field.fields.length && field.fields.every((one) => one.kind !== "object")) return partsOf(field, value, id);
      const element = h("textarea", { ...common, rows: 4, spellcheck: false, class: "code", value: value === undefined || value === null ? "" : JSON.stringify(value, null, 2) });
      return made(element, () => jsonOf(element.value));
    }
    case "moment": {
      const element = h("input", { ...common, type: "datetime-local", value: value ? wallTime(value).slice(0, 16) : "" });
      return made(element, () => (element.value ? new Date(momentAt(element.value)).toISOString() : null));
    }
    default: {
      const element = h("input", { ...common, type: field.kind, value: value ?? "", maxlength: field.most });
      return made(element, () => element.value.trim() || null);
    }
  }
}

/** An object's own fields, in a frame; null while all are empty. @param {Field} field @param {any} value @param {string} id @returns {Made} */
function partsOf(field, value, id) {
  const parts = field.fields.map((one) => ({ one, ...input(one, value?.[one.name] ?? one.initial) }));
  const element = h("div", { id, class: "parts", role: "group", "aria-label": field.label }, parts.map((part) => labelled(part.one, part)));
  const read = () => {
    const found = parts.map((part) => [part.one.name, part.read()]).filter(([, now]) => now !== null);
    return found.some(([, now]) => !Array.isArray(now) || now.length) ? Object.fromEntries(found) : null;
  };
  return { element, id, read, before: read() };
}

/** A list of objects: a row of inputs each, more and fewer of them. @param {Field} field @param {any} value @param {string} id @returns {Made} */
function rowsOf(field, value, id) {
  /** @type {{element: HTMLElement, parts: {one: Field, read: () => any}[]}[]} */
  let shown = [];
  const place = h("div", { class: "part-rows" });
  /** @param {any} given */
  const add = (given) => {
    const parts = field.fields.map((one) => ({ one, ...input(one, given?.[one.name] ?? one.initial) }));
    const row = {
      parts,
      element: h("div", { class: "parts" }, parts.map((part) => labelled(part.one, part)),
        h("button", { type: "button", class: "icon", "aria-label": "Remove this row", onclick: () => (row.element.remove(), (shown = shown.filter((other) => other !== row))) }, "×")),
    };
    shown.push(row);
    place.append(row.element);
  };
  for (const one of value ?? []) add(one);
  const read = () => shown.map(({ parts }) => Object.fromEntries(parts.map((part) => [part.one.name, part.read()]).filter(([, now]) => now !== null)));
  const element = h("div", { id, role: "group", "aria-label": field.label }, place, h("button", { type: "button", class: "link", onclick: () => add(null) }, "Add a row"));
  return { element, id, read, before: read() };
}

/** @param {Field} field @param {Made} part */
const labelled = (field, part) => h("div", { class: ["field", field.kind] }, h("label", { for: part.id }, field.label, field.isRequired && h("span", { class: "required" }, " *")), part.element);

/**
 * Something that is named by its id and found by its name: what fits is offered while somebody types.
 * @param {Field} field @param {any} value @param {Find} find @returns {Made}
 */
export function finder(field, value, find) {
  const id = `f${++count}-${field.name}`;
  /** @type {Map<string, string>} */
  const known = new Map();
  const offered = h("datalist", { id: `${id}-list` });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let typing;
  const look = async () => {
    const text = element.value.trim();
    const found = await find(text).catch(() => []);
    for (const one of found) known.set(one.label, one.value);
    // What was asked for before may be answered later.
    if (element.value.trim() !== text) return;
    fill(offered, found.map((one) => h("option", { value: one.label })));
  };
  const element = h("input", {
    id, name: field.name, type: "text", list: offered.id, value: value ?? "", autocomplete: "off", placeholder: "Type to search", maxlength: 200,
    onfocus: () => void look(), oninput: () => (clearTimeout(typing), (typing = setTimeout(look, TYPING_MS))),
  });
  const read = () => known.get(element.value) ?? (element.value.trim() || null);
  return { element: h("div", { class: "finder" }, element, offered), id, read, before: read() };
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
