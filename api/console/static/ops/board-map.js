// The board's map: watches the visible area, draws the live scene or a past one, and tells what was clicked.
import { effect, every, listen, onEnd, signal } from "../lib/state.js";
import { h } from "../lib/dom.js";
import { now } from "../lib/boot.js";
import { boxOf, canvasLayer, graticule, openMap } from "../lib/map.js";
import { stageOf } from "./store.js";
import { CLUSTER_ZOOM, drawScene, hitAt } from "./scene.js";
import { zoneLayer } from "./zones.js";

/** @typedef {import("./scene.js").Scene} Scene */
/** @typedef {ReturnType<typeof openBoardMap>} BoardMap */

const KEY = "dispatch.ops.place";
const WATCH_MS = 250;
const GLIDE_MS = 900;
/** With more than so many, dots jump once a second instead of gliding. */
const MOST_GLIDING = 1500;
const REACH_PX = { mouse: 14, touch: 26 };
const FIRST = { lat: 22.5726, lng: 88.3639, zoom: 12 };

/**
 * @param {import("./store.js").Store} store @param {import("./filters.js").Filters} filters
 * @param {import("../lib/socket.js").Socket} socket
 * @param {() => readonly import("./zones.js").Zone[]} zones
 */
export function openBoardMap(store, filters, socket, zones) {
  const element = h("div", { class: "map", role: "application", "aria-label": "Map of technicians and bookings; arrow keys move it" });
  const place = lastPlace();
  const map = openMap(element, place ?? FIRST);
  const past = signal(/** @type {(() => Scene) | null} */ (null));
  const trail = signal(/** @type {readonly (readonly number[])[]} */ ([]));
  const hovered = signal(/** @type {string | null} */ (null));
  /** @type {import("./scene.js").Hit[]} */
  let hits = [];
  graticule(map);
  const areas = zoneLayer(map, zones);
  const layer = canvasLayer(map, (c, at) => {
    hits = drawScene(c, at, past.peek()?.() ?? liveScene());
  }, 450);

  // The area is asked for where one stops, and again after each connect.
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let soon;
  async function watch() {
    const { west, south, east, north } = boxOf(map, 0.15);
    const answer = await socket.emit("ops.watch", { bbox: [west, south, east, north] });
    if (answer && !answer.ok) watchSoon((answer.error?.retry_after_s ?? 2) * 1000);
  }
  const watchSoon = (/** @type {number} */ ms = WATCH_MS) => {
    clearTimeout(soon);
    soon = setTimeout(watch, ms);
  };
  map.on("moveend", () => {
    const { lat, lng } = map.getCenter();
    localStorage.setItem(KEY, JSON.stringify({ lat, lng, zoom: map.getZoom() }));
    watchSoon();
  });
  let isPlaced = place !== null;
  map.once("movestart", () => void (isPlaced = true));
  onEnd(socket.on("connect", () => watchSoon(0)));
  onEnd(() => clearTimeout(soon));

  /** @type {number} */
  let glideUntil = 0;
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  effect(() => {
    store.moves();
    if (!isStill && store.technicians.size <= MOST_GLIDING) glideUntil = performance.now() + GLIDE_MS;
    layer.redraw();
    glide();
  });
  function glide() {
    if (performance.now() > glideUntil) return;
    layer.redraw();
    requestAnimationFrame(glide);
  }
  effect(() => {
    store.bookingNews();
    store.chosen();
    filters.wish();
    trail();
    hovered();
    past();
    layer.redraw();
  });
  effect(() => {
    zones();
    areas.redraw();
  });
  // Ages grow and offers run out though nothing is told.
  every(500, () => [...store.bookings.values()].some((one) => one.offered_to) && layer.redraw());
  every(2000, () => layer.redraw());

  function* dots() {
    const [at_s, t] = [now() / 1000, performance.now()];
    const isGliding = t < glideUntil;
    for (const one of store.technicians.values()) {
      if (!filters.showsTechnician(one)) continue;
      const k = isGliding ? Math.min(1, (t - one.since_ms) / GLIDE_MS) : 1;
      const [lat, lng] = k < 1 ? [one.from_lat + (one.lat - one.from_lat) * k, one.from_lng + (one.lng - one.from_lng) * k] : [one.lat, one.lng];
      yield { no: one.no, id: one.id, name: one.name, presence: one.presence, is_sure: one.is_sure, heading_deg: one.heading_deg, age_s: Math.max(0, at_s - one.fix_s), lat, lng };
    }
  }

  function* pins() {
    const at_ms = now();
    for (const one of store.bookings.values()) {
      if (!filters.showsBooking(one)) continue;
      const [from, to] = [Date.parse(one.offer_made_at ?? ""), Date.parse(one.offer_expires_at ?? "")];
      yield { id: one.id, number: one.number, lat: one.lat, lng: one.lng, stage: stageOf(one), technician_id: one.offered_to ?? one.technician_id,
        share: to > from ? Math.max(0, Math.min(1, (to - at_ms) / (to - from))) : 0 };
    }
  }

  /** @returns {Scene} */
  const liveScene = () => ({ technicians: dots(), bookings: pins(), where: (id) => store.byId.get(id), trail: trail.peek(), chosen: store.chosen.peek()?.id ?? null, hovered: hovered.peek() });

  /** @param {MouseEvent} event */
  function under(event) {
    const box = element.getBoundingClientRect();
    const reach = matchMedia("(pointer: coarse)").matches ? REACH_PX.touch : REACH_PX.mouse;
    return hitAt(hits, event.clientX - box.left, event.clientY - box.top, reach);
  }
  map.on("click", (/** @type {any} */ event) => {
    const hit = under(event.originalEvent);
    if (!hit) return store.chosen.set(null);
    if (hit.kind === "cluster") return map.setZoomAround(map.containerPointToLatLng([hit.x, hit.y]), Math.max(map.getZoom() + 2, CLUSTER_ZOOM + 0.5));
    return store.chosen.set({ kind: hit.kind, id: hit.id });
  });
  listen(element, "mousemove", (event) => {
    const hit = under(event);
    hovered.set(hit && hit.kind !== "cluster" ? hit.id : null);
    element.classList.toggle("pointing", hit !== null);
  });

  return {
    element,
    map,
    layer,
    past,
    trail,
    hovered,
    /** Whether it is where somebody left it last, or has moved it to. */
    isPlaced: () => isPlaced,
    /** @param {number} lat @param {number} lng */
    show: (lat, lng) => map.setView([lat, lng], Math.max(map.getZoom(), 13)),
    /** @param {readonly import("./zones.js").Zone[]} found */
    fit(found) {
      const points = found.filter((z) => z.is_active !== false).flatMap((z) => (z.boundary.type === "MultiPolygon" ? z.boundary.coordinates.flat(2) : z.boundary.coordinates.flat(1)));
      if (points.length) map.fitBounds(L.latLngBounds(points.map((/** @type {[number, number]} */ p) => [p[1], p[0]])), { padding: [24, 24], maxZoom: 13 });
    },
  };
}

function lastPlace() {
  try {
    const { lat, lng, zoom } = JSON.parse(localStorage.getItem(KEY) ?? "null");
    return [lat, lng, zoom].every(Number.isFinite) ? { lat, lng, zoom } : null;
  } catch {
    return null;
  }
}
