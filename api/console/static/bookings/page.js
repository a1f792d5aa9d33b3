// A customer's bookings: the list, and one with everything that can be done with it.
import { openPage } from "../lib/shell.js";
import { query, setQuery } from "../lib/address.js";
import { router } from "../lib/router.js";
import { computed, onEnd } from "../lib/state.js";
import { h } from "../lib/dom.js";
import { connectionState, empty, view } from "../lib/view.js";
import { openSocket } from "../lib/socket.js";
import { money, visitTime } from "../lib/format.js";
import { pager, paymentChip, serviceNames, statusChip } from "../people/common.js";
import { byPhone } from "../people/sign-in.js";
import { detail, gathered } from "./detail.js";

const KINDS = /** @type {[string, string, string][]} */ ([
  ["", "All", ""], ["open", "Coming", "pending,partner_assigned,confirmed,in_progress"], ["done", "Done", "completed"], ["gone", "Cancelled", "cancelled,refunded"],
]);

/** @type {import("../lib/socket.js").Socket | null} */
let live = null;

openPage({
  kind: "customer",
  signIn: byPhone,
  title: "Bookings",
  bar: ({ session }) => {
    const mine = (live = openSocket(session, "/customer", { resumes: true }));
    onEnd(() => mine.close());
    return [h("nav", { class: "sections", "aria-label": "Pages" }, h("a", { href: "/book" }, "Book"), h("a", { href: "/bookings", "aria-current": "page" }, "My bookings")), h("span", { class: "spread" }), connectionState(mine)];
  },
  show: ({ api }) => router("/bookings", [
    { pattern: "/", title: "Bookings", show: () => list(api) },
    { pattern: "/:id", title: "Booking", show: ({ id }) => detail(api, /** @type {import("../lib/socket.js").Socket} */ (live), id ?? "") },
  ]),
});

/** @param {import("../lib/api.js").Client} api */
function list(api) {
  const kind = computed(() => query().get("show") ?? "");
  const page = computed(() => query().get("page"));
  const [body, again] = view((abort) => api.page("/v1/bookings", { status: KINDS.find(([name]) => name === kind())?.[2], page: page(), limit: 20 }, abort), ({ data }) => {
    if (!data.bookings.length) return empty("No bookings here", "What you book appears here.", h("a", { class: "button primary", href: "/book" }, "Book a visit"));
    return [h("div", { class: "stack tight" }, data.bookings.map(tile)), pager(data.pagination)];
  });
  const soon = gathered(again);
  if (live) for (const event of ["booking.updated", "reset", "connect"]) onEnd(live.on(event, soon));
  return h("div", { class: "stack narrow middle" },
    h("div", { class: "row between" }, h("h1", null, "My bookings"), h("a", { class: "button primary", href: "/book" }, "Book a visit")),
    h("div", { class: "pick", role: "group", "aria-label": "Which" }, KINDS.map(([name, label]) => h("button", { "aria-pressed": () => String(kind() === name), onclick: () => setQuery({ show: name, page: null }) }, label))),
    body);
}

/** @param {any} b */
const tile = (b) => h("a", { class: "tile booking", href: `/bookings/${b.id}` },
  h("div", { class: "row between" }, h("h3", null, serviceNames(b.services)), statusChip(b.partner?.status && b.status !== "cancelled" ? b.partner.status : b.status)),
  h("div", { class: "row between" }, h("span", null, visitTime(b.starts_at, b.timezone)), h("strong", { class: "money" }, money(b.grand_total, b.currency))),
  h("div", { class: "row between faint" }, h("span", { class: "tabular" }, b.booking_number), paymentChip(b)));
