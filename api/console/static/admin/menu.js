// What there is in the back office, in the order of the menu. What an entry shows is loaded when it is opened.

/** @typedef {import("./kit.js").Entry} Entry */
/** @typedef {import("./kit.js").Office} Office */
/** @typedef {import("../lib/dom.js").Child} Child */
/** @typedef {Entry & {load: () => Promise<Record<string, any>>, isScreen?: boolean}} Item a screen's module has `show`, others a shape under the item's name */

const work = () => import("./resources/bookings.js");
const technicians = () => import("./resources/technicians.js");
const people = () => import("./resources/people.js");
const money = () => import("./resources/money.js");
const catalogue = () => import("./resources/catalogue.js");
const groups = () => import("./resources/organisations.js");
const system = () => import("./resources/system.js");

/** @type {[string, Item[]][]} */
export const MENU = [
  ["", [
    { name: "", title: "Dashboard", path: "/v1/admin/dashboard", load: () => import("./dashboard.js"), isScreen: true },
    { name: "analytics", title: "Analytics", path: "/v1/admin/analytics/revenue", load: () => import("./analytics.js"), isScreen: true },
  ]],
  ["Work", [
    { name: "bookings", title: "Bookings", path: "/v1/admin/bookings", load: work },
    { name: "queue", title: "Waiting", path: "/v1/admin/assignments/queue", load: work },
    { name: "alerts", title: "Alerts", path: "/v1/admin/alerts", load: work },
    { name: "contact", title: "Messages", path: "/v1/admin/contact-submissions", load: groups },
  ]],
  ["People", [
    { name: "technicians", title: "Technicians", path: "/v1/admin/partners", load: technicians },
    { name: "applications", title: "Applications", path: "/v1/admin/partners", load: technicians },
    { name: "users", title: "Customers", path: "/v1/admin/users", load: people },
    { name: "providers", title: "Providers", path: "/v1/admin/providers", load: people },
    { name: "plans", title: "Plans for providers", path: "/v1/admin/provider-plans", load: money },
  ]],
  ["Money", [
    { name: "payout-requests", title: "Payout requests", path: "/v1/admin/payouts", load: money },
    { name: "payouts", title: "Payouts", path: "/v1/admin/payouts", load: money },
    { name: "refunds", title: "Refunds", path: "/v1/admin/bookings", load: work },
  ]],
  ["Catalogue", [
    { name: "services", title: "Services", path: "/v1/admin/services", load: catalogue },
    { name: "categories", title: "Categories", path: "/v1/admin/categories", load: catalogue },
    { name: "promos", title: "Promo codes", path: "/v1/admin/promo-codes", load: money },
    { name: "zones", title: "Zones", path: "/v1/admin/zones", load: catalogue },
  ]],
  ["Organisations", [
    { name: "organisations", title: "Organisations", path: "/v1/admin/organisations", load: groups },
    { name: "quotes", title: "Quotes", path: "/v1/admin/quotes", load: groups },
    { name: "invoices", title: "Invoices", path: "/v1/admin/organisations/invoices", load: groups },
    { name: "tickets", title: "Support", path: "/v1/admin/organisations/tickets", load: groups },
    { name: "training", title: "Training", path: "/v1/admin/organisations/training", load: groups },
  ]],
  ["Apps", [
    { name: "integrations", title: "Integrations", path: "/v1/admin/integrations", load: system },
    { name: "webhooks", title: "Webhooks", path: "/v1/admin/webhooks", load: system },
    { name: "deliveries", title: "Deliveries", path: "/v1/admin/webhooks/deliveries", load: system },
  ]],
  ["House", [
    { name: "staff", title: "Staff", path: "/v1/admin/staff", load: people },
    { name: "rota", title: "Rota", path: "/v1/admin/rota", load: people },
    { name: "settings", title: "Settings", path: "/v1/admin/settings", load: () => import("./settings.js"), isScreen: true },
    { name: "imports", title: "Imports", path: "/v1/admin/services/import", load: () => import("./imports.js"), isScreen: true },
    { name: "files", title: "Files", path: "/v1/admin/files", load: system },
    { name: "audit", title: "Audit", path: "/v1/admin/audit-logs", load: system },
  ]],
];

/** "payout-requests" is payoutRequests in its module. @param {string} name */
export const shapeOf = (name) => name.replaceAll(/-(\w)/g, (_, letter) => letter.toUpperCase());
