// The back office: what the admin API can do, as lists, pages and forms.
import { openPage } from "../lib/shell.js";
import { computed, effect, signal } from "../lib/state.js";
import { h } from "../lib/dom.js";
import { connectionState, noPermission, view } from "../lib/view.js";
import { loaded } from "../lib/modules.js";
import { place } from "../lib/address.js";
import { router } from "../lib/router.js";
import { schemaOf } from "../lib/schema.js";
import { shortcuts } from "../lib/keys.js";
import { createView, detailView, listView } from "./kit.js";
import { MENU, shapeOf } from "./menu.js";
import { mayDo } from "./rights.js";
import { choicesOf } from "./finds.js";
import { learnRoles } from "./roles.js";

/** @typedef {import("./kit.js").Office} Office */
/** @typedef {import("./menu.js").Item} Item */

/** @param {Office} office @param {Item} item */
const mayOpen = (office, item) => mayDo(office, office.schema.operation("GET", item.path) ? "GET" : "POST", item.path);

const isMenuOpen = signal(false);

openPage({
  kind: "admin",
  title: "Back office",
  bar: () => [
    h("button", { class: "menu-button", "aria-expanded": () => String(isMenuOpen()), onclick: () => isMenuOpen.update((is) => !is) }, "Menu"),
    connectionState(null),
  ],
  show: (context) => {
    const [body] = view(async () => {
      const schema = await schemaOf(context.api, "admin");
      const office = { ...context, schema, choices: await choicesOf(context.api, schema, context.can) };
      await learnRoles(office);
      return office;
    }, (office) => h("div", { class: "office" }, menu(office), router("/admin", views(office))), { class: "whole", isLasting: true });
    shortcuts([
      { key: "/", label: "Search in this list", run: () => /** @type {HTMLElement | null} */ (document.querySelector("input[type=search]"))?.focus() },
      { key: "Escape", label: "Close the menu", run: () => isMenuOpen.set(false) },
    ]);
    return body;
  },
});

/** @param {Office} office */
function menu(office) {
  const now = computed(() => place().split("?")[0]?.split("/")[2] ?? "");
  // It is closed by going elsewhere, not by being drawn: whoever was faster than the first answer finds it open.
  let here = "";
  effect(() => {
    const path = place().split("?")[0] ?? "";
    if (here && here !== path) isMenuOpen.set(false);
    here = path;
  });
  return h("nav", { class: () => ["office-menu", isMenuOpen() && "open"], "aria-label": "Back office" }, MENU.map(([title, items]) => {
    const fitting = items.filter((item) => mayOpen(office, item));
    return fitting.length > 0 && h("div", { class: "menu-group" }, title && h("h2", null, title), h("ul", null, fitting.map((item) => h("li", null,
      h("a", { href: item.name ? `/admin/${item.name}` : "/admin", "aria-current": () => (now() === item.name ? "page" : null) }, item.title)))));
  }));
}

/** @param {Office} office @returns {import("../lib/router.js").ViewRow[]} */
function views(office) {
  return MENU.flatMap(([, items]) => items).flatMap((item) => {
    const at = item.name ? `/${item.name}` : "/";
    const title = `${item.title} · Back office`;
    /** What is shown once its module is there, to whom it is for. @param {(found: any) => import("../lib/dom.js").Child} show */
    const opened = (show) => {
      if (!mayOpen(office, item)) return item.name ? noPermission() : greeting(office);
      return view((abort) => loaded(item.load, abort), (module) => show(item.isScreen ? module : { ...module[shapeOf(item.name)], name: item.name, title: item.title, path: item.path }), { class: "opened", isLasting: true })[0];
    };
    if (item.isScreen) return [{ pattern: at, title, show: () => opened((screen) => screen.show(office)) }];
    return [
      { pattern: at, title, show: () => opened((resource) => listView(office, resource)) },
      { pattern: `${at}/new`, title, show: () => opened((resource) => createView(office, resource)) },
      { pattern: `${at}/:id`, title, show: (/** @type {Record<string, string>} */ { id }) => opened((resource) => detailView(office, resource, id ?? "")) },
    ];
  });
}

/** The beginning, for whom the dashboard is not. @param {Office} office */
const greeting = (office) => h("div", { class: "state" }, h("p", { class: "state-title" }, `Welcome${office.me.name ? `, ${office.me.name}` : ""}`), h("p", null, "Choose from the menu what to work on."));
