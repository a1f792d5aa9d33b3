// A list with everything that the grammar of lists can: filters, search, sorts, pages; its wishes stand in the address.
import { computed, effect, onEnd, signal } from "./state.js";
import { h } from "./dom.js";
import { empty, view } from "./view.js";
import { number, words } from "./format.js";
import { query, setQuery } from "./address.js";
import { download } from "./download.js";
import { schemaOf } from "./schema.js";
import { told } from "./toast.js";

/** @typedef {import("./dom.js").Child} Child */
/** @typedef {import("./schema.js").Field} Field */
/**
 * @template T
 * @typedef {{label: string, cell: (row: T) => Child, isNumber?: boolean, sort?: string, isMain?: boolean}} Column
 */

const TYPING_MS = 300;
/** So many filters are shown before somebody asks for all (on a phone none are). */
const FIRST = 4;

/**
 * The list at `path` as a table (cards on a phone). `key` is what its rows stand under; `filters` chooses and orders
 * the filters that are shown (default: all that are no ids); `open` gives the address that a row leads to.
 * @template T
 * @param {import("./api.js").Client} api
 * @param {{
 *   path: string, key: string, columns: Column<T>[], audience?: "admin" | "technician" | "customer", filters?: string[],
 *   fixed?: Record<string, any>, open?: (row: T) => string, actions?: Child, exports?: string, none?: string,
 *   labels?: Record<string, string>, picks?: (rows: () => T[], clear: () => void) => Child,
 * }} options `picks` is shown while rows are picked, for what is done to many at once
 * @returns {HTMLElement}
 */
export function list(api, options) {
  const wishes = computed(() => query().toString());
  /** What is picked, by its id: the same rows may be read anew meanwhile. @type {Picks} */
  const picks = signal(new Set());
  effect(() => (wishes(), picks.set(new Set())));
  const [body, again] = view(
    async (abort) => {
      const asked = Object.fromEntries(new URLSearchParams(wishes()));
      const schema = await schemaOf(api, options.audience ?? "admin");
      const answer = await api.page(options.path, { ...asked, ...options.fixed }, abort);
      return { asked, can: schema.listOf(options.path), rows: /** @type {T[]} */ (answer.data[options.key] ?? answer.data.items ?? []), pages: answer.data.pagination };
    },
    ({ asked, can, rows, pages }) => [
      rows.length ? picked(options, rows, picks, () => table(options, rows, asked.sort, can.sorts, options.picks ? picks : null)) : empty(Object.keys(asked).length ? "Nothing fits these filters" : (options.none ?? "Nothing here yet")),
      pager(pages),
    ],
    { class: "list" },
  );
  const [tools] = view(() => schemaOf(api, options.audience ?? "admin"), (schema) => toolbar(api, options, schema.listOf(options.path)), { class: "tools", isLasting: true });
  body.addEventListener("reload", again);
  return h("div", { class: "list-page" }, tools, body);
}

/** @param {import("./api.js").Client} api @param {any} options @param {{filters: Field[], searches: boolean}} can */
function toolbar(api, options, can) {
  const asked = query();
  const names = options.filters ?? can.filters.filter((f) => !f.name.endsWith("_id")).map((f) => f.name);
  const shown = names.map((/** @type {string} */ name) => can.filters.find((f) => f.name === name)).filter(Boolean);
  const isBusy = signal(false);
  // The first few are there at once; those that ask for something are never hidden.
  const isAll = signal(shown.slice(FIRST).some((/** @type {Field} */ field) => asked.get(field.name)));
  /** Of each filter that is being typed into. @type {Map<string, ReturnType<typeof setTimeout>>} */
  const typing = new Map();
  const hush = () => typing.forEach((timer) => clearTimeout(timer));
  onEnd(hush);
  /** @param {string} name @param {string} value */
  const ask = (name, value) => setQuery({ [name]: value, page: null });
  /** @param {string} name @param {string} value */
  const askSoon = (name, value) => {
    clearTimeout(typing.get(name));
    typing.set(name, setTimeout(() => ask(name, value), TYPING_MS));
  };
  return [
    h("form", { class: () => ["filters", isAll() && "all"], role: "search", onsubmit: (/** @type {Event} */ e) => e.preventDefault() },
      can.searches && h("input", { type: "search", class: "search", placeholder: "Search", "aria-label": "Search", value: asked.get("search") ?? "", maxlength: 200, oninput: (/** @type {any} */ e) => askSoon("search", e.target.value) }),
      shown.map((/** @type {Field} */ field) => filter(field, asked.get(field.name) ?? "", options.labels?.[field.name] ?? field.label, ask, askSoon)),
      shown.length > 0 && h("button", { type: "button", class: ["link more", shown.length <= FIRST && "few"], "aria-expanded": () => String(isAll()), onclick: () => isAll.update((is) => !is) }, () => (isAll() ? "Fewer filters" : "More filters")),
      () => query().size > 0 && h("button", { type: "button", class: "link", onclick: (/** @type {any} */ e) => (hush(), e.target.form.reset(), setQuery(Object.fromEntries([...query().keys()].map((k) => [k, null])))) }, "Clear"),
    ),
    h("div", { class: "actions" },
      options.exports && ["csv", "xlsx"].map((format) => h("button", { disabled: isBusy, onclick: async () => {
        isBusy.set(true);
        try {
          await download(api, options.exports, { ...Object.fromEntries(query()), ...options.fixed, page: null, limit: null, format });
        } catch (error) {
          told(error);
        } finally {
          isBusy.set(false);
        }
      } }, format.toUpperCase())),
      options.actions,
    ),
  ];
}

/** @param {Field} field @param {string} value @param {string} label @param {(n: string, v: string) => void} ask @param {(n: string, v: string) => void} askSoon */
function filter(field, value, label, ask, askSoon) {
  /** @type {(e: any) => void} */
  const changed = (e) => ask(field.name, e.target.value);
  if (field.choices.length || field.kind === "boolean") {
    const choices = field.kind === "boolean" ? ["true", "false"] : field.choices;
    return h("label", { class: "filter" }, h("span", null, label), h("select", { onchange: changed }, h("option", { value: "" }, "Any"), choices.map((one) => h("option", { value: one, selected: value === one }, field.kind === "boolean" ? { true: "Yes", false: "No" }[one] : words(one)))));
  }
  const type = field.kind === "date" || /(^|_)(from|to|date)$/.test(field.name) ? "date" : field.kind === "number" ? "number" : "text";
  return h("label", { class: "filter" }, h("span", null, label), h("input", { type, value, ...(type === "text" ? { oninput: (/** @type {any} */ e) => askSoon(field.name, e.target.value) } : { onchange: changed }) }));
}

/** @typedef {import("./state.js").Signal<Set<any>>} Picks */

/** The table, and above it what can be done to the rows that are picked. @param {any} options @param {any[]} rows @param {Picks} picks @param {() => HTMLElement} draw */
function picked(options, rows, picks, draw) {
  if (!options.picks) return draw();
  const chosen = () => rows.filter((row) => picks().has(row.id));
  const bar = options.picks(chosen, () => picks.set(new Set()));
  return [h("div", { class: () => ["picked", !chosen().length && "hidden"], "data-begun": () => chosen().length > 0 }, h("strong", { class: "tabular" }, () => `${number(chosen().length)} picked`), bar), draw()];
}

/** @param {Picks} picks @param {any[]} rows @param {string} label */
const pick = (picks, rows, label) => h("input", {
  type: "checkbox", "aria-label": label, checked: () => rows.every((row) => picks().has(row.id)),
  onchange: (/** @type {any} */ e) => picks.update((now) => new Set(e.target.checked ? [...now, ...rows.map((row) => row.id)] : [...now].filter((id) => !rows.some((row) => row.id === id)))),
});

/** @param {any} options @param {any[]} rows @param {string | undefined} sorted @param {string[]} sorts @param {Picks | null} picks */
function table(options, rows, sorted, sorts, picks) {
  /** @param {Column<any>} column */
  const head = (column) => {
    if (!column.sort || !sorts.includes(column.sort)) return column.label;
    const next = sorted === column.sort ? `-${column.sort}` : sorted === `-${column.sort}` ? null : column.sort;
    return h("button", { class: "link sort", onclick: () => setQuery({ sort: next, page: null }) }, column.label, sorted === column.sort ? " ↑" : sorted === `-${column.sort}` ? " ↓" : "");
  };
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table" }, h("table", { class: "table" },
    h("thead", null, h("tr", null, picks && h("th", { class: "pick", scope: "col" }, pick(picks, rows, "All of this page")), options.columns.map((/** @type {Column<any>} */ c) => h("th", { class: c.isNumber && "number", scope: "col", "aria-sort": !c.sort ? null : sorted === c.sort ? "ascending" : sorted === `-${c.sort}` ? "descending" : null }, head(c))))),
    h("tbody", null, rows.map((row) => {
      const address = options.open?.(row);
      return h("tr", null, picks && h("td", { class: "pick", "data-label": "" }, pick(picks, [row], "This row")), options.columns.map((/** @type {Column<any>} */ c, /** @type {number} */ n) => {
        const cell = c.cell(row);
        const isLink = address && (c.isMain || (n === 0 && !options.columns.some((/** @type {Column<any>} */ o) => o.isMain)));
        return h("td", { class: c.isNumber && "number", "data-label": c.label }, isLink ? h("a", { href: address }, cell) : cell);
      }));
    })),
  ));
}

/** @param {{page: number, total: number, total_pages: number, total_is_exact?: boolean} | undefined} pages */
function pager(pages) {
  if (!pages) return null;
  const { page, total, total_pages } = pages;
  /** @param {number} to @param {string} label */
  const button = (to, label) => h("button", { disabled: to < 1 || to > total_pages || to === page, onclick: () => setQuery({ page: to === 1 ? null : String(to) }) }, label);
  return h("nav", { class: "pager", "aria-label": "Pages" },
    h("span", { class: "faint tabular" }, `${number(total)}${pages.total_is_exact === false ? "+" : ""} in all`),
    total_pages > 1 && [button(page - 1, "Previous"), h("span", { class: "tabular" }, `${number(page)} of ${number(total_pages)}`), button(page + 1, "Next")],
  );
}
