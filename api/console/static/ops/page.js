// The operations board: the live map in the middle, who waits and what needs a person beside it, one thing in detail.
import { openPage } from "../lib/shell.js";
import { fill, h } from "../lib/dom.js";
import { computed, effect, onEnd, scoped, signal, untracked } from "../lib/state.js";
import { shortcuts } from "../lib/keys.js";
import { openSocket } from "../lib/socket.js";
import { connectionState, noPermission, view } from "../lib/view.js";
import { loaded } from "../lib/modules.js";
import { toast } from "../lib/toast.js";
import { counted, number } from "../lib/format.js";
import { query, setQuery } from "../lib/address.js";
import { openStore } from "./store.js";
import { filterPanel, openFilters } from "./filters.js";
import { openBoardMap } from "./board-map.js";
import { openQueue } from "./queue.js";
import { openAlerts } from "./alerts.js";
import { searchBox } from "./search.js";

/** @typedef {"queue" | "alerts" | "show"} Side */

openPage({
  kind: "admin",
  title: "Operations",
  show: (context) => (context.can("dispatch:read") ? board(context) : h("main", { class: "page", id: "main" }, noPermission())),
});

/** @param {import("../lib/shell.js").Context} context */
function board(context) {
  const { session, api, can } = context;
  const socket = openSocket(session, "/ops");
  onEnd(() => socket.close());
  const store = openStore(socket);
  const filters = openFilters();
  const zones = signal(/** @type {(import("./zones.js").Zone & {id: string})[]} */ ([]));
  const map = openBoardMap(store, filters, socket, zones);
  if (can("zones:read")) {
    api.get("/v1/admin/board/zones").then((found) => {
      zones.set(found.zones);
      if (!map.isPlaced()) map.fit(found.zones);
    }, () => null);
  }
  const side = signal(/** @type {Side} */ ("queue"));
  const queue = openQueue(api, store);
  const alerts = openAlerts(api, store, can("alerts:write"));
  const categories = computed(() => (store.bookingNews(), [...store.bookings.values()].flatMap((one) => one.categories)));
  const filter = filterPanel(filters, categories, zones);
  const search = searchBox(context, store);
  const isReplay = signal(false);
  const replay = signal(/** @type {typeof import("./replay.js") | null} */ (null));
  // Seldom wanted, so it is loaded when it is.
  effect(() => isReplay() && import("./replay.js").then(replay.set, () => (isReplay.set(false), toast("This could not be loaded; reload the page.", { isBad: true }))));

  // What is chosen stands in the address, so that it can be sent to somebody.
  const first = query();
  for (const kind of /** @type {const} */ (["booking", "technician"])) if (first.get(kind)) store.chosen.set({ kind, id: String(first.get(kind)) });
  effect(() => {
    const chosen = store.chosen();
    setQuery({ booking: chosen?.kind === "booking" ? chosen.id : null, technician: chosen?.kind === "technician" ? chosen.id : null });
  });

  /** @type {{offerBest: () => void} | null} */
  let shownBooking = null;
  const detail = h("aside", { class: "side detail-side", "aria-label": "Details" });
  /** @type {(() => void) | null} */
  let end = null;
  effect(() => {
    const chosen = store.chosen();
    end?.();
    shownBooking = null;
    map.trail.set([]);
    detail.classList.toggle("hidden", !chosen);
    if (!chosen) return void fill(detail);
    [, end] = scoped(() => {
      const close = h("button", { class: "icon close", "aria-label": "Close the details", onclick: () => store.chosen.set(null) }, "×");
      // What the first look does not need is loaded when something is chosen.
      const [place] = chosen.kind === "technician"
        ? view((abort) => loaded(() => import("./technician.js"), abort), ({ technicianPanel }) => technicianPanel(api, store, map, chosen.id), { isLasting: true })
        : view((abort) => loaded(() => import("./booking.js"), abort), ({ bookingPanel }) => (shownBooking = bookingPanel(context, store, map, chosen.id)).element, { isLasting: true });
      fill(detail, close, place);
    });
  });
  onEnd(() => end?.());

  shortcuts([
    { key: "/", label: "Search", run: () => search.focus() },
    { key: "j", label: "Next in the queue", run: () => queue.move(1) },
    { key: "k", label: "The one before", run: () => queue.move(-1) },
    { key: "a", label: "Offer to the best candidate", run: () => shownBooking?.offerBest() },
    { key: "n", label: "Next alert", run: () => (side.set("alerts"), alerts.next()) },
    { key: "q", label: "Queue", run: () => side.set("queue") },
    { key: "f", label: "What is shown", run: () => side.set("show") },
    { key: "r", label: "Replay a day, and back", run: () => isReplay.update((is) => !is) },
    { key: "Escape", label: "Close", run: () => store.chosen.set(null) },
  ]);

  /** @type {[Side, string, () => number][]} */
  const sides = [["queue", "Queue", queue.total], ["alerts", "Alerts", alerts.count], ["show", "Show", () => 0]];
  return h("main", { class: () => ["board", isReplay() && "is-replay", store.chosen() && "has-detail"], id: "main" },
    h("aside", { class: "side list-side", "aria-label": "Queue and alerts" },
      h("div", { class: "side-head" }, search.element, connectionState(socket)),
      h("div", { class: "tabs", role: "tablist" }, sides.map(([name, label, count]) => h("button", { role: "tab", id: `side-${name}`, "aria-controls": "side-body", "aria-selected": () => String(side() === name), onclick: () => side.set(name) }, label, () => count() > 0 && h("span", { class: "count tabular" }, number(count()))))),
      h("div", { class: "side-body", id: "side-body", role: "tabpanel", "aria-labelledby": () => `side-${side()}` }, h("div", { class: () => side() !== "queue" && "hidden" }, queue.element), h("div", { class: () => side() !== "alerts" && "hidden" }, alerts.element), h("div", { class: () => side() !== "show" && "hidden" }, filter)),
    ),
    h("div", { class: "stage" }, map.element,
      h("div", { class: "legend" }, h("span", { class: "tabular count-all" }, () => (store.moves(), store.bookingNews(), `${counted(store.technicians.size, "technician")}, ${counted(store.bookings.size, "booking")}`)), [["presence online", "free"], ["presence busy", "on a job"], ["presence stale", "uncertain"], ["stages queue", "waits"], ["stages offer", "offer"], ["stages ahead", "accepted"], ["stages now", "under way"]].map(([key, text]) => h("span", null, h("i", { class: `key ${key}` }), text))),
      h("div", { class: "stage-top" }, () => !isReplay() && h("button", { onclick: () => isReplay.set(true) }, "Replay"), () => store.isCut() && h("span", { class: "chip warn" }, "5,000 shown: zoom in for all")),
      () => {
        const module = replay();
        // The bar follows its day by itself: what it reads while it is made does not make it anew.
        return isReplay() && module && untracked(() => module.replayBar(api, map, () => isReplay.set(false)));
      },
    ),
    detail,
  );
}
