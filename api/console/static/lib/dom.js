// Elements. Text is always text: nothing here takes HTML, and an address that is none is left out.
import { effect, onEnd, scoped, signal } from "./state.js";

/** @typedef {Node | string | number | boolean | null | undefined | any[] | (() => any)} Child */
/** @typedef {Record<string, any>} Props */

const SVG = "http://www.w3.org/2000/svg";
const ADDRESSES = new Set(["href", "src", "action", "poster", "xlink:href"]);
const REFUSED = new Set(["innerhtml", "outerhtml", "srcdoc", "style-text"]);
const PROPERTIES = new Set(["value", "checked", "disabled", "selected", "hidden", "indeterminate", "open", "readOnly"]);
/** What a name or a message shows at most; the whole is in its title. */
const MOST_CHARS = 300;

/**
 * An element: `h("button", {class: "primary", onclick: go}, "Go")`. A prop or a child that is a function follows the
 * signals that it reads. `style` is an object; `ref` is called with the element.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag @param {Props | null} [props] @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props, ...children) {
  return /** @type {any} */ (filled(document.createElement(tag), props, children));
}

/**
 * The same in SVG.
 * @template {keyof SVGElementTagNameMap} K
 * @param {K} tag @param {Props | null} [props] @param {...Child} children
 * @returns {SVGElementTagNameMap[K]}
 */
export function svg(tag, props, ...children) {
  return /** @type {any} */ (filled(document.createElementNS(SVG, tag), props, children));
}

/** @param {Element} element @param {Props | null | undefined} props @param {Child[]} children */
function filled(element, props, children) {
  append(element, children);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name === "ref") value(element);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2).toLowerCase(), value);
    else if (typeof value === "function") effect(() => setProp(element, name, value()));
    else setProp(element, name, value);
  }
  return element;
}

/** @param {Element} element @param {string} name @param {any} value */
function setProp(element, name, value) {
  const lower = name.toLowerCase();
  if (REFUSED.has(lower)) throw new TypeError(`${name} takes no text`);
  if (name === "style") {
    for (const [key, one] of Object.entries(value ?? {})) {
      /** @type {HTMLElement} */ (element).style.setProperty(key, one === null || one === undefined ? "" : String(one));
    }
  } else if (name === "class" && Array.isArray(value)) {
    element.setAttribute("class", value.filter(Boolean).join(" "));
  } else if (PROPERTIES.has(name) && name in element) {
    /** @type {any} */ (element)[name] = value ?? (name === "value" ? "" : false);
  } else if (value === null || value === undefined || value === false) {
    element.removeAttribute(name);
  } else if (!ADDRESSES.has(lower) || isAddress(String(value))) {
    element.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * Whether a link may lead there: within the site, to the web, to a phone or a mailbox.
 * @param {string} text
 */
export function isAddress(text) {
  if (/^[/#?.]/.test(text) && !/^\/[/\\]/.test(text)) return true;
  try {
    return ["http:", "https:", "mailto:", "tel:", "geo:", "blob:"].includes(new URL(text, location.href).protocol);
  } catch {
    return false;
  }
}

/** @param {Element | DocumentFragment} parent @param {Child} child */
export function append(parent, child) {
  if (Array.isArray(child)) {
    for (const one of child) append(parent, one);
  } else if (typeof child === "function") {
    appendLive(parent, child);
  } else if (child instanceof Node) {
    parent.append(child);
  } else if (child !== null && child !== undefined && typeof child !== "boolean") {
    parent.append(String(child));
  }
}

/** What a function gives stands between two marks and is made anew when a signal changes.
 * @param {Element | DocumentFragment} parent @param {() => Child} give */
function appendLive(parent, give) {
  const [begin, end] = [document.createComment(""), document.createComment("")];
  parent.append(begin, end);
  effect(() => {
    const fresh = document.createDocumentFragment();
    append(fresh, give());
    while (begin.nextSibling && begin.nextSibling !== end) begin.nextSibling.remove();
    end.before(fresh);
  });
}

/**
 * Puts children in the place of those that are there.
 * @param {Element} parent @param {...Child} children
 */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

/**
 * Rows that keep their elements while their keys stay: `make` is called once for each key and follows the item.
 * @template T
 * @param {Element} parent
 * @param {() => readonly T[]} items
 * @param {(item: T) => string} keyOf
 * @param {(item: () => T) => Element} make
 */
export function rows(parent, items, keyOf, make) {
  /** @type {Map<string, {element: Element, set: (item: T) => void, end: () => void}>} */
  const kept = new Map();
  effect(() => {
    const wanted = items();
    const keys = new Set(wanted.map(keyOf));
    for (const [key, row] of kept) {
      if (keys.has(key)) continue;
      row.end();
      row.element.remove();
      kept.delete(key);
    }
    /** @type {Element | null} */
    let before = null;
    for (const item of wanted) {
      const key = keyOf(item);
      let row = kept.get(key);
      if (!row) {
        const value = holder(item);
        const [element, end] = scoped(() => make(value.get));
        kept.set(key, (row = { element, set: value.set, end }));
      } else {
        row.set(item);
      }
      /** @type {Element | null} */
      const place = before === null ? parent.firstElementChild : before.nextElementSibling;
      if (place !== row.element) parent.insertBefore(row.element, place);
      before = row.element;
    }
  });
  onEnd(() => {
    for (const row of kept.values()) row.end();
  });
}

/** @template T @param {T} first */
function holder(first) {
  const value = signal(first);
  return { get: () => value(), set: value.set };
}

/**
 * What somebody typed, wherever it is shown: its direction stays its own, and it is cut where it is endless.
 * @param {string | null | undefined} text @param {string} [otherwise]
 */
export function said(text, otherwise = "–") {
  const whole = text?.trim();
  if (!whole) return h("span", { class: "faint" }, otherwise);
  const shown = [...whole.slice(0, MOST_CHARS * 2)];
  const cut = shown.length > MOST_CHARS || whole.length > MOST_CHARS * 2;
  return h("bdi", { class: "said", title: cut ? whole.slice(0, 2000) : null }, cut ? shown.slice(0, MOST_CHARS).join("") + "…" : whole);
}
