// What all parts of the back office are made of: a resource is one small object, and its list, its page, its forms and
// its actions are drawn from that and from the API's own description.
import { h, said } from "../lib/dom.js";
import { download } from "../lib/download.js";
import { onEnd, signal } from "../lib/state.js";
import { empty, noPermission, view } from "../lib/view.js";
import { form } from "../lib/form.js";
import { list } from "../lib/list.js";
import { go } from "../lib/address.js";
import { later, toast, told } from "../lib/toast.js";
import { newKey } from "../lib/api.js";
import { onceEach } from "../lib/once.js";
import { dayTime, number, wholeTime, words } from "../lib/format.js";
import { findsOf } from "./finds.js";
import { mayDo } from "./rights.js";

/** @typedef {import("../lib/dom.js").Child} Child */
/** @typedef {import("../lib/schema.js").Schema} Schema */
/** @typedef {import("../lib/list.js").Column<any>} Column */
/** @typedef {import("../lib/shell.js").Context & {schema: Schema, choices: Record<string, import("../lib/form.js").Choice[]>}} Office `choices` of fields that the API's description leaves open */
/** @typedef {Partial<Parameters<typeof form>[1]>} FormOptions */
/**
 * @typedef {object} Action something that is done to one record; shown to those who may, `when` it fits
 * @property {string} label
 * @property {string} method
 * @property {string} path as in the API's description, such as "/v1/admin/alerts/{id}/resolve"
 * @property {(record: any) => boolean} [when]
 * @property {any} [body] what is sent without asking
 * @property {FormOptions} [form] how what is asked looks; a form is shown where the operation has a body and none is given
 * @property {(office: Office, record: any) => Child} [intro] what one should know before, above the form
 * @property {(record: any) => Record<string, any>} [value] what the form begins with
 * @property {"danger" | "primary"} [look]
 * @property {boolean} [isSlow] done after a while in which it can be taken back
 * @property {boolean} [isEdit] only what was changed is sent, and can be taken back
 * @property {boolean} [leaves] the record is gone afterwards
 * @property {(record: any) => any} [undo] the body that takes it back, at the same operation
 * @property {string} [download] the query's format; the answer is a file
 * @property {string} [done] what is said afterwards
 * @property {(answer: any) => Child} [shows] what is shown of the answer, until somebody closes it
 */
/** @typedef {{label: string, path: string, item: (row: any) => any, isSlow?: boolean}} Batch with `isSlow` done after a while in which it can be taken back */
/** @typedef {{name: string, title: string, path: string}} Entry of the menu: the address /admin/{name}, and what of the API it shows */
/** @typedef {Entry & Shape} Resource */
/**
 * @typedef {object} Shape how a resource looks, and what can be done to it
 * @property {string} noun of one: "New {noun}"
 * @property {string} key what the rows stand under
 * @property {Column[]} columns
 * @property {string} [one] path of a single one, where the API has it
 * @property {(answer: any) => any} [pick] the record in that answer
 * @property {string[]} [filters]
 * @property {Record<string, any>} [fixed] what the list is always asked
 * @property {string} [exports] path of the list as a file
 * @property {(record: any) => Child} [heading]
 * @property {(record: any, office: Office) => Child} [status] beside the heading
 * @property {(record: any, office: Office) => [string, Child][]} [facts]
 * @property {((office: Office, record: any, again: () => void) => Child)[]} [sections]
 * @property {FormOptions} [create] a form for a new one, of the model of POST at `path`
 * @property {Action[]} [actions]
 * @property {Batch[]} [batch] what is done to many at once
 * @property {string} [none] said when there is none at all
 * @property {string} [imports] address of its import
 * @property {(office: Office) => Child} [top] above the list
 * @property {boolean} [isShown] false where rows lead nowhere
 */

/** @param {string} template @param {any} record */
export const pathOf = (template, record) => template.replaceAll(/\{(\w+)\}/g, (_, name) => encodeURIComponent(record[name] ?? record.id));

/** @param {Office} office @param {Resource} resource */
export function listView(office, resource) {
  if (!mayDo(office, "GET", resource.path)) return noPermission();
  const opens = resource.isShown !== false;
  const batch = (resource.batch ?? []).filter((one) => mayDo(office, "POST", one.path));
  return [
    h("h1", null, resource.title),
    resource.top?.(office),
    list(office.api, {
      path: resource.path, key: resource.key, columns: resource.columns, filters: resource.filters, fixed: resource.fixed,
      none: resource.none,
      exports: resource.exports && mayDo(office, "GET", resource.exports) ? resource.exports : undefined,
      open: opens ? (row) => (remember(resource, row), `/admin/${resource.name}/${encodeURIComponent(row.id)}`) : undefined,
      picks: batch.length ? (rows, clear) => batch.map((one) => h("button", { onclick: () => beginMany(office, one, rows(), clear) }, one.label)) : undefined,
      actions: [
        resource.imports && mayDo(office, "POST", resource.imports) && h("a", { class: "button", href: `/admin/imports?into=${resource.name}` }, "Import"),
        resource.create && mayDo(office, "POST", resource.path) && h("a", { class: "button primary", href: `/admin/${resource.name}/new` }, `New ${resource.noun}`),
      ],
    }),
  ];
}

/** Once for what is picked: the pick is cleared before anything is sent. @param {Office} office @param {Batch} batch @param {any[]} rows @param {() => void} clear */
function beginMany(office, batch, rows, clear) {
  if (!rows.length) return;
  clear();
  const work = () => doMany(office, batch, rows);
  batch.isSlow ? later(`${batch.label}: ${number(rows.length)}, in a few seconds`, work) : void work();
}

/** @param {Office} office @param {Batch} batch @param {any[]} rows */
async function doMany(office, batch, rows) {
  try {
    const answer = await office.api.post(batch.path, { items: rows.map(batch.item) }, newKey());
    document.querySelector(".list")?.dispatchEvent(new Event("reload"));
    const first = answer.results.find((/** @type {any} */ one) => !one.ok)?.error;
    toast(first ? `${number(answer.succeeded)} done, ${number(answer.failed)} not: ${first.message}` : `${number(answer.succeeded)} done.`, { isBad: Boolean(first) });
  } catch (error) {
    told(error);
  }
}

/** Rows of lists whose single ones the API does not give. @type {Map<string, any>} */
const seen = new Map();
/** @param {Resource} resource @param {any} row */
const remember = (resource, row) => !resource.one && seen.set(`${resource.name}/${row.id}`, row);
const PAGE = 100;
const MOST_PAGES = 20;

/** @param {Office} office @param {Resource} resource @param {string} id @param {AbortSignal} abort */
async function oneOf(office, resource, id, abort) {
  if (resource.one) {
    const answer = await office.api.get(pathOf(resource.one, { id }), {}, abort);
    return resource.pick ? resource.pick(answer) : answer;
  }
  for (let page = 1; page <= MOST_PAGES; page++) {
    const { data } = await office.api.page(resource.path, { ...resource.fixed, page, limit: PAGE }, abort);
    const rows = resource.key ? data[resource.key] : data;
    const found = rows.find((/** @type {any} */ row) => row.id === id);
    if (found) return seen.set(`${resource.name}/${id}`, found), found;
    if (!data.pagination || page >= data.pagination.total_pages) break;
  }
  return seen.get(`${resource.name}/${id}`) ?? null;
}

/** @param {Office} office @param {Resource} resource @param {string} id */
export function detailView(office, resource, id) {
  if (!mayDo(office, "GET", resource.one ?? resource.path)) return noPermission();
  const [place, again, quietly] = view(
    (abort) => oneOf(office, resource, id, abort),
    (record) => record ? [
      h("div", { class: "head" },
        h("div", { class: "row" }, h("h1", null, resource.heading?.(record) ?? said(record.name)), resource.status?.(record, office)),
        actionsOf(office, resource, record, () => again(), () => quietly()),
      ),
      resource.facts && h("div", { class: "card" }, factsOf(resource.facts(record, office))),
      resource.sections?.map((section) => section(office, record, () => again())),
    ] : empty("Not found", "This does not exist, or no longer."),
    { class: "stack" },
  );
  return [h("nav", { class: "crumbs", "aria-label": "Where you are" }, h("a", { href: `/admin/${resource.name}` }, resource.title)), place];
}

/** Facts in two columns; what has no value is left out. @param {[string, Child][]} facts */
export const factsOf = (facts) => h("dl", { class: "facts wide" }, facts.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([label, value]) => h("div", null, h("dt", null, label), h("dd", null, value))));

/** The buttons of what may be done, and the panel of what is being asked. @param {Office} office @param {Resource} resource @param {any} record @param {() => void} again @param {() => void} quietly */
function actionsOf(office, resource, record, again, quietly) {
  const open = signal(/** @type {Action | null} */ (null));
  const shown = signal(/** @type {Child} */ (null));
  const isBusy = signal(false);
  const { once, forget } = onceEach();
  const here = location.pathname;
  // What is done after a while may find its people elsewhere: there they stay.
  const after = { again, quietly, show: shown.set, leave: () => void (location.pathname === here && go(`/admin/${resource.name}`)) };
  const fitting = (resource.actions ?? []).filter((one) => mayDo(office, one.method, one.path) && (one.when?.(record) ?? true));
  if (!fitting.length) return null;
  /** @param {Action | null} action */
  const turnTo = (action) => (forget(), open.set(action));
  /** Nothing else is begun until it is answered. @param {Action} action @param {any} body */
  const run = (action, body) => {
    isBusy.set(true);
    return once(`${action.label} ${JSON.stringify(body)}`, (key) => act(office, action, record, body, key, after)).finally(() => isBusy.set(false));
  };
  /** @param {Action} action */
  const begin = (action) => {
    shown.set(null);
    if (asks(office, action)) return turnTo(open.peek() === action ? null : action);
    open.set(null);
    isBusy.set(true);
    const work = () => run(action, action.body).catch(told);
    action.isSlow ? later(`${action.label}: in a few seconds`, work, () => isBusy.set(false)) : void work();
  };
  return [
    h("div", { class: "actions" }, fitting.map((action) => h("button", {
      class: action.look ?? null, disabled: isBusy, "aria-expanded": asks(office, action) ? () => String(open() === action) : null, onclick: () => begin(action),
    }, action.label))),
    () => {
      const action = open();
      return action && h("div", { class: "card panel", "data-begun": true },
        h("div", { class: "row between" }, h("h2", null, action.label), h("button", { class: "icon", "aria-label": "Close", disabled: isBusy, onclick: () => turnTo(null) }, "×")),
        action.intro?.(office, record),
        formOf(office, action.method, action.path, {
          action: action.label, isPatch: action.isEdit, ...action.form, value: action.value?.(record) ?? (action.isEdit ? record : {}),
          submit: (values) => run(action, values),
          done: () => open.set(null),
        }),
      );
    },
    () => shown(),
  ];
}

/** @param {Office} office @param {Action} action */
const asks = (office, action) => action.body === undefined && !action.download && office.schema.bodyOf(action.method, action.path).length > 0;

/**
 * Does it, says so, and offers the way back where there is one.
 * @param {Office} office @param {Action} action @param {any} record @param {any} body @param {string} key
 * @param {{again: () => void, quietly: () => void, show: (child: Child) => void, leave: () => void}} after
 */
async function act(office, action, record, body, key, { again, quietly, show, leave }) {
  const path = pathOf(action.path, record);
  if (action.download) return download(office.api, path, action.download === "file" ? {} : { format: action.download });
  if (action.isEdit && !Object.keys(body).length) return void toast("Nothing was changed.");
  /** @param {any} sent @param {string} under */
  const send = async (sent, under) => (await office.api.request(action.method, path, { body: action.method === "DELETE" ? undefined : (sent ?? {}), key: action.method === "POST" ? under : undefined }))?.data;
  const answer = await send(body, key);
  const before = action.undo?.(record) ?? (action.isEdit ? Object.fromEntries(Object.keys(body).filter((name) => record[name] !== undefined).map((name) => [name, record[name]])) : null);
  const undo = before && Object.keys(before).length ? () => send(before, newKey()).then(quietly, told) : undefined;
  toast(action.done ?? `${action.label}: done.`, { undo });
  if (action.shows) show(h("div", { class: "card panel", role: "status", "data-begun": true }, h("div", { class: "row between" }, h("h2", null, action.label), h("button", { class: "icon", "aria-label": "Close", onclick: () => show(null) }, "×")), action.shows(answer)));
  else if (action.leaves) leave();
  else action.isSlow ? quietly() : again();
}

/** A form of an operation's model, with everything that is named by an id found by its name. @param {Office} office @param {string} method @param {string} path @param {Parameters<typeof form>[1]} options */
export const formOf = (office, method, path, options) => form(office.schema.bodyOf(method, path), { ...options, choices: { ...office.choices, ...options.choices }, finds: { ...findsOf(office), ...options.finds } });

/** @param {Office} office @param {Resource} resource */
export function createView(office, resource) {
  if (!resource.create || !mayDo(office, "POST", resource.path)) return noPermission();
  const shown = signal(/** @type {Child} */ (null));
  const { once } = onceEach();
  let isLeft = false;
  onEnd(() => void (isLeft = true));
  return [
    h("nav", { class: "crumbs", "aria-label": "Where you are" }, h("a", { href: `/admin/${resource.name}` }, resource.title)),
    h("h1", null, `New ${resource.noun}`),
    h("div", { class: "card narrow" }, () => shown() ?? formOf(office, "POST", resource.path, {
      action: "Create", ...resource.create,
      submit: async (values) => {
        const answer = await once(JSON.stringify(values), (key) => office.api.post(resource.path, values, key));
        const record = resource.pick?.(answer) ?? answer;
        toast(`${resource.noun[0]?.toUpperCase()}${resource.noun.slice(1)}: created.`);
        // Whoever is elsewhere by now stays there.
        if (isLeft) return;
        if (answer?.secret) shown.set([h("p", null, "Keep this secret: it is shown once."), h("p", null, h("code", { class: "secret" }, answer.secret)), h("a", { class: "button", href: `/admin/${resource.name}` }, "Done")]);
        else go(record?.id && resource.isShown !== false ? `/admin/${resource.name}/${record.id}` : `/admin/${resource.name}`);
      },
    })),
  ];
}

/**
 * A short list within a page: its own pages, ten at a time.
 * @param {Office} office @param {string} title @param {{path: string, operation: string, key?: string, columns: Column[], query?: any, open?: (row: any) => string, none?: string}} options
 */
export function related(office, title, options) {
  if (!mayDo(office, "GET", options.operation)) return null;
  const page = signal(1);
  const [place] = view(
    async (abort) => {
      const answer = await office.api.page(options.path, { ...options.query, ...(options.key ? { page: page(), limit: 10 } : {}) }, abort);
      return { rows: options.key ? answer.data[options.key] : answer.data, pages: answer.data.pagination };
    },
    ({ rows, pages }) => rows.length ? [
      plainTable(options.columns, rows, options.open),
      pages?.total_pages > 1 && h("div", { class: "pager" }, h("span", { class: "faint" }, `${number(pages.total)} in all`),
        h("button", { disabled: pages.page <= 1, onclick: () => page.update((n) => n - 1) }, "Previous"),
        h("button", { disabled: pages.page >= pages.total_pages, onclick: () => page.update((n) => n + 1) }, "Next")),
    ] : h("p", { class: "faint pad" }, options.none ?? "Nothing yet."),
  );
  return section(title, h("div", { class: "list" }, place));
}

/** @param {Column[]} columns @param {any[]} rows @param {(row: any) => string} [open] */
export const plainTable = (columns, rows, open) => h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Table" }, h("table", { class: "table" },
  h("thead", null, h("tr", null, columns.map((c) => h("th", { scope: "col", class: c.isNumber && "number" }, c.label)))),
  h("tbody", null, rows.map((row) => h("tr", null, columns.map((c, n) => h("td", { class: c.isNumber && "number", "data-label": c.label }, open && n === 0 ? h("a", { href: open(row) }, c.cell(row)) : c.cell(row)))))),
));

/** @param {string} title @param {...Child} inside */
export const section = (title, ...inside) => h("section", { class: "part" }, h("h2", null, title), inside);

/** A moment by the clock of its place; of the house, where it has none. @param {string | null | undefined} moment @param {string} [timezone] */
export const when = (moment, timezone) => (moment ? h("time", { datetime: moment, title: wholeTime(moment, timezone) }, dayTime(moment, timezone)) : h("span", { class: "faint" }, "–"));

/** @param {string} label @param {(row: any) => Child} cell @param {Partial<Column>} [more] @returns {Column} */
export const column = (label, cell, more = {}) => ({ label, cell, ...more });

/** Whatever was kept as data, as names and values. @param {any} data */
export function dataOf(data) {
  const entries = Object.entries(data ?? {}).filter(([, value]) => value !== null && value !== "");
  if (!entries.length) return null;
  return h("dl", { class: "data" }, entries.map(([name, value]) => h("div", null, h("dt", null, words(name)), h("dd", null, said(typeof value === "object" ? JSON.stringify(value) : String(value))))));
}
