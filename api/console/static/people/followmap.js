// A map with a door and whoever comes to it: where they are, how sure that is, and how old.
import { h } from "../lib/dom.js";
import { computed, effect, every, signal, untracked } from "../lib/state.js";
import { now } from "../lib/boot.js";
import { duration } from "../lib/format.js";
import { canvasLayer, graticule, openMap, token } from "../lib/map.js";

/** @typedef {{lat: number, lng: number, at: string, accuracy_m: number, heading_deg?: number | null, eta_s?: number | null, eta_confidence?: number | null, fix_age_s?: number}} Position */

/** From here on a position is called old. */
const OLD_S = 60;

/**
 * @param {() => Position | null} position a signal's reader @param {{lat: number, lng: number} | null} door
 */
export function followMap(position, door) {
  const place = h("div", { class: "map", role: "region", "aria-label": "Map: where the technician is" });
  // Without listening: made anew at each position, a map would lose its view and its trail.
  const known = untracked(position);
  const first = known ?? door ?? { lat: 0, lng: 0 };
  const map = openMap(place, { lat: first.lat, lng: first.lng, zoom: door || known ? 14 : 3 });
  graticule(map);
  /** @type {Position[]} */
  const trail = [];
  const layer = canvasLayer(map, (c, at) => {
    if (door) drawDoor(c, at.x(door.lng), at.y(door.lat));
    const here = position();
    if (!here) return;
    if (trail.length > 1) {
      c.strokeStyle = token("p-busy");
      c.globalAlpha = 0.35;
      c.lineWidth = 3;
      c.beginPath();
      trail.forEach((p, n) => (n ? c.lineTo(at.x(p.lng), at.y(p.lat)) : c.moveTo(at.x(p.lng), at.y(p.lat))));
      c.stroke();
      c.globalAlpha = 1;
    }
    const [x, y] = [at.x(here.lng), at.y(here.lat)];
    const wide = Math.min(400, here.accuracy_m / at.metresPerPixel);
    if (wide > 14) {
      c.fillStyle = token("zone-fill");
      c.strokeStyle = token("zone-line");
      c.lineWidth = 1;
      c.beginPath();
      c.arc(x, y, wide, 0, 7);
      c.fill();
      c.stroke();
    }
    drawPerson(c, x, y, here.heading_deg ?? null);
  });
  let [isFitted, isTheirs] = [false, false];
  const fit = () => {
    const here = untracked(position);
    if (!here || !map.getSize().y) return;
    if (door) map.fitBounds([[here.lat, here.lng], [door.lat, door.lng]], { padding: [48, 48], maxZoom: 16, animate: false });
    else map.setView([here.lat, here.lng], Math.max(14, map.getZoom()), { animate: false });
    [isFitted, isTheirs] = [true, false];
  };
  // Where somebody has moved the map themselves, it stays.
  map.on("movestart", () => (isTheirs = true));
  // A map has no size before it is put into the page.
  map.on("resize", () => isFitted || fit());
  effect(() => {
    const here = position();
    if (here) {
      const last = trail.at(-1);
      if (last?.lat !== here.lat || last.lng !== here.lng) trail.push(here);
      if (trail.length > 300) trail.shift();
      if (!isFitted || (!isTheirs && !map.getBounds().pad(-0.1).contains([here.lat, here.lng]))) fit();
    }
    layer.redraw();
  });
  return place;
}

/** @param {CanvasRenderingContext2D} c @param {number} x @param {number} y */
export function drawDoor(c, x, y) {
  c.fillStyle = token("text");
  c.strokeStyle = token("halo");
  c.lineWidth = 2.5;
  c.beginPath();
  c.moveTo(x, y);
  c.lineTo(x - 9, y - 15);
  c.arc(x, y - 20, 10, Math.PI * 0.85, Math.PI * 0.15);
  c.closePath();
  c.stroke();
  c.fill();
  c.fillStyle = token("halo");
  c.beginPath();
  c.arc(x, y - 20, 4, 0, 7);
  c.fill();
}

/** @param {CanvasRenderingContext2D} c @param {number} x @param {number} y @param {number | null} heading */
function drawPerson(c, x, y, heading) {
  c.save();
  c.translate(x, y);
  c.fillStyle = token("p-busy");
  c.strokeStyle = token("halo");
  c.lineWidth = 3;
  if (heading !== null && heading >= 0) {
    c.rotate((heading * Math.PI) / 180);
    c.beginPath();
    c.moveTo(0, -19);
    c.lineTo(8, -7);
    c.lineTo(-8, -7);
    c.closePath();
    c.stroke();
    c.fill();
  }
  c.beginPath();
  c.arc(0, 0, 10, 0, 7);
  c.stroke();
  c.fill();
  c.restore();
}

/**
 * When they will be there, and how far that can be trusted: never a number without its age.
 * @param {() => Position | null} position @param {() => string} status the job's state
 */
export function etaLine(position, status) {
  const tick = signal(0);
  every(1000, () => tick.update((n) => n + 1));
  const arrival = computed(() => {
    const [state, here] = [status(), position()];
    if (state === "arrived") return "At the door";
    if (state === "in_progress") return "The work is in progress";
    if (state !== "in_transit") return "";
    tick();
    const eta_s = here?.eta_s ?? null;
    if (!here || eta_s === null) return "On the way";
    const left_s = Math.max(0, eta_s - Math.max(0, (now() - Date.parse(here.at)) / 1000 - (here.fix_age_s ?? 0)));
    return left_s < 60 ? "Nearly there" : `About ${Math.round(left_s / 60)} min away`;
  });
  // Read out is only what is news: an age that grows by the second would never be silent.
  return h("div", { class: "eta" },
    h("p", { class: "eta-big", role: "status" }, arrival),
    h("p", { class: "faint" }, () => {
      const here = position();
      tick();
      if (!here) return status() === "in_transit" ? "No position yet: the technician's phone is silent." : "";
      const age_s = Math.max(0, (now() - Date.parse(here.at)) / 1000);
      const words = [age_s < 3 ? "Position: now" : `Position ${duration(age_s)} old`];
      if (age_s > OLD_S) words.push("the phone has been silent since");
      else if (status() === "in_transit" && (here.eta_s ?? null) === null) words.push("too uncertain for a time of arrival");
      else if (status() === "in_transit" && (here.eta_confidence ?? 1) < 0.5) words.push("a rough guess");
      return words.join(" · ");
    }),
  );
}
