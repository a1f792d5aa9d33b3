// How the board's map is drawn: technicians, bookings, offers, trails, clusters. Canvas only, made for thousands.
import { token } from "../lib/map.js";

/** @typedef {import("../lib/map.js").Projection} Projection */
/** @typedef {import("./store.js").Stage} Stage */
/** @typedef {{no: number, id: string, name: string, lat: number, lng: number, heading_deg: number | null, presence: string, is_sure: boolean, age_s: number}} Dot */
/** @typedef {{id: string, number: string, lat: number, lng: number, stage: Stage, share: number, technician_id: string | null}} Pin share: of an open offer's time that is left */
/** @typedef {{technicians: Iterable<Dot>, bookings: Iterable<Pin>, where: (id: string) => {lat: number, lng: number} | undefined, trail: readonly (readonly number[])[], chosen: string | null, hovered: string | null}} Scene */
/** @typedef {{x: number, y: number, kind: "technician" | "booking" | "cluster", id: string, label: string}} Hit */
/** @typedef {{presence: string, isHollow: boolean, alpha: number, at: number[]}} Look those who are drawn alike; x, y and heading of each */

/** Below this zoom, neighbours are drawn as one. */
export const CLUSTER_ZOOM = 10.5;
const CELL_PX = 64;
/** Who is so far out of sight is not drawn. */
const EDGE = 14;
/** A position of this age is as faint as it gets, in seconds. */
const FAINT_S = 90;
const AGES = 4;
/** With more than so many in sight, dots have no rim. */
const CROWD = 1500;
const PINS = { queue: "b-queue", search: "b-queue", offer: "b-offer", ahead: "b-ahead", now: "b-now" };

/** The colours of the page's tokens, read again when they change. */
class Colours {
  constructor() {
    this.theme = "";
    this.halo = "#fff";
    /** @type {Record<string, string>} */
    this.known = {};
  }

  fresh() {
    const theme = token("surface");
    if (theme === this.theme) return;
    this.theme = theme;
    this.halo = token("halo");
    this.known = Object.fromEntries(["p-online", "p-busy", "p-stale", "p-offline", "b-queue", "b-offer", "b-ahead", "b-now", "text", "surface", "accent"].map((one) => [one, token(one)]));
  }

  /** @param {string} name */
  of(name) {
    return this.known[name] ?? "#888";
  }
}

const colours = new Colours();

/**
 * Draws a scene, and gives what can be hit.
 * @param {CanvasRenderingContext2D} c @param {Projection} at @param {Scene} scene
 * @returns {Hit[]}
 */
export function drawScene(c, at, scene) {
  colours.fresh();
  /** @type {Hit[]} */
  const hits = [];
  drawTrail(c, at, scene.trail);
  const pins = [...scene.bookings];
  drawTies(c, at, pins, scene);
  if (at.zoom < CLUSTER_ZOOM) drawClusters(c, at, scene, hits);
  else drawDots(c, at, scene, hits);
  drawPins(c, at, pins, scene, hits);
  return hits;
}

/**
 * Everybody of one look is one path: five thousand fills, or copies of small pictures, would cost a hundred times more.
 * @param {CanvasRenderingContext2D} c @param {Projection} at @param {Scene} scene @param {Hit[]} hits
 */
function drawDots(c, at, scene, hits) {
  /** @type {Record<string, (Look | undefined)[]>} */
  const looks = {};
  /** @type {{x: number, y: number, dot: Dot}[]} */
  const named = [];
  for (const dot of scene.technicians) {
    const x = at.x(dot.lng);
    const y = at.y(dot.lat);
    if (x < -EDGE || y < -EDGE || x > at.width + EDGE || y > at.height + EDGE) continue;
    const isHollow = !dot.is_sure || dot.presence === "stale" || dot.presence === "offline";
    const age = Math.min(AGES - 1, Math.floor((dot.age_s / FAINT_S) * AGES));
    const alike = (looks[dot.presence] ??= []);
    const look = (alike[isHollow ? AGES + age : age] ??= { presence: dot.presence, isHollow, alpha: 1 - (age / AGES) * 0.6, at: [] });
    look.at.push(x, y, dot.heading_deg ?? -1);
    hits.push({ x, y, kind: "technician", id: dot.id, label: dot.name });
    if (dot.id === scene.chosen || dot.id === scene.hovered) named.push({ x, y, dot });
  }
  for (const look of Object.values(looks).flat()) if (look) paintLook(c, look, hits.length > CROWD);
  for (const { x, y, dot } of named) {
    ring(c, x, y, 13, colours.of("accent"));
    label(c, x, y + 26, `${dot.name.slice(0, 40)} · ${dot.age_s < 1 ? "now" : `${Math.round(dot.age_s)} s`}`);
  }
}

/** @param {CanvasRenderingContext2D} c @param {Look} look @param {boolean} isCrowded */
function paintLook(c, look, isCrowded) {
  const r = look.presence === "offline" ? 4.2 : 6;
  c.globalAlpha = look.alpha;
  // Where dots lie on dots anyway, their rims are not worth a second path.
  if (!look.isHollow && !isCrowded) shapes(c, look, r + 1.5, 0, colours.halo, false);
  shapes(c, look, r, look.isHollow ? r - 2.2 : 0, colours.of(`p-${look.presence}`), look.presence !== "offline");
  c.globalAlpha = 1;
}

/** A job is a square, everything else is round: told apart without colours too. A wedge shows the way.
 * @param {CanvasRenderingContext2D} c @param {Look} look @param {number} r @param {number} hole of hollow ones @param {string} colour @param {boolean} hasWedge */
function shapes(c, look, r, hole, colour, hasWedge) {
  const isSquare = look.presence === "busy";
  c.beginPath();
  for (let n = 0; n < look.at.length; n += 3) {
    const x = look.at[n] ?? 0;
    const y = look.at[n + 1] ?? 0;
    const heading = look.at[n + 2] ?? -1;
    if (isSquare) {
      c.rect(x - r, y - r, 2 * r, 2 * r);
      // The other way round: a hole.
      if (hole) c.rect(x + hole, y - hole, -2 * hole, 2 * hole);
    } else {
      c.moveTo(x + r, y);
      c.arc(x, y, r, 0, 2 * Math.PI);
      if (hole) {
        c.moveTo(x + hole, y);
        c.arc(x, y, hole, 0, 2 * Math.PI, true);
      }
    }
    if (!hasWedge || heading < 0) continue;
    const sin = Math.sin((heading * Math.PI) / 180);
    const cos = Math.cos((heading * Math.PI) / 180);
    c.moveTo(x + 13 * sin, y - 13 * cos);
    c.lineTo(x + 5 * sin + 5 * cos, y - 5 * cos + 5 * sin);
    c.lineTo(x + 5 * sin - 5 * cos, y - 5 * cos - 5 * sin);
    c.closePath();
  }
  c.fillStyle = colour;
  c.fill();
}

/** @param {CanvasRenderingContext2D} c @param {Projection} at @param {Scene} scene @param {Hit[]} hits */
function drawClusters(c, at, scene, hits) {
  /** @type {Map<number, {x: number, y: number, n: number, online: number, busy: number}>} */
  const cells = new Map();
  for (const dot of scene.technicians) {
    const [x, y] = [at.x(dot.lng), at.y(dot.lat)];
    if (x < 0 || y < 0 || x > at.width || y > at.height) continue;
    const key = Math.floor(x / CELL_PX) * 10_000 + Math.floor(y / CELL_PX);
    let cell = cells.get(key);
    if (!cell) cells.set(key, (cell = { x: 0, y: 0, n: 0, online: 0, busy: 0 }));
    cell.x += x;
    cell.y += y;
    cell.n++;
    if (dot.presence === "online") cell.online++;
    else if (dot.presence === "busy") cell.busy++;
  }
  c.textAlign = "center";
  c.textBaseline = "middle";
  for (const [key, cell] of cells) {
    const [x, y] = [cell.x / cell.n, cell.y / cell.n];
    const radius = 11 + Math.min(17, Math.log2(cell.n) * 2.4);
    c.beginPath();
    c.arc(x, y, radius, 0, 2 * Math.PI);
    c.fillStyle = colours.of("surface");
    c.fill();
    c.lineWidth = 4;
    let from = -Math.PI / 2;
    for (const [n, colour] of /** @type {[number, string][]} */ ([[cell.online, "p-online"], [cell.busy, "p-busy"], [cell.n - cell.online - cell.busy, "p-offline"]])) {
      const to = from + (n / cell.n) * 2 * Math.PI;
      c.beginPath();
      c.arc(x, y, radius, from, to);
      c.strokeStyle = colours.of(colour);
      if (n) c.stroke();
      from = to;
    }
    c.fillStyle = colours.of("text");
    c.font = "600 12px system-ui, sans-serif";
    c.fillText(String(cell.n), x, y + 0.5);
    hits.push({ x, y, kind: "cluster", id: String(key), label: `${cell.n} technicians` });
  }
  c.textBaseline = "alphabetic";
}

/** @param {CanvasRenderingContext2D} c @param {Projection} at @param {Pin[]} pins @param {Scene} scene @param {Hit[]} hits */
function drawPins(c, at, pins, scene, hits) {
  const isFar = at.zoom < CLUSTER_ZOOM - 1;
  for (const pin of pins) {
    const [x, y] = [at.x(pin.lng), at.y(pin.lat)];
    if (x < -20 || y < -20 || x > at.width + 20 || y > at.height + 20) continue;
    const colour = colours.of(PINS[pin.stage]);
    if (pin.stage === "offer") {
      // What is left of the offer's time: the ring shrinks towards the booking.
      ring(c, x, y, 9 + 18 * pin.share, colour, 2);
    }
    paintPin(c, x, y, pin.stage, colour, isFar ? 0.7 : 1);
    hits.push({ x, y, kind: "booking", id: pin.id, label: pin.number });
    if (pin.id === scene.chosen || pin.id === scene.hovered) {
      ring(c, x, y, 15, colours.of("accent"));
      label(c, x, y - 20, pin.number);
    }
  }
}

/** Each stage has its shape: a triangle that asks, a circle, a square that waits, a diamond that moves.
 * @param {CanvasRenderingContext2D} c @param {number} x @param {number} y @param {Stage} stage @param {string} colour @param {number} size */
function paintPin(c, x, y, stage, colour, size) {
  const r = 8 * size;
  c.beginPath();
  if (stage === "queue" || stage === "search") {
    c.moveTo(x, y - r - 1);
    c.lineTo(x + r, y + r - 2);
    c.lineTo(x - r, y + r - 2);
    c.closePath();
  } else if (stage === "offer") c.arc(x, y, r - 1, 0, 2 * Math.PI);
  else if (stage === "ahead") c.rect(x - r + 2, y - r + 2, 2 * r - 4, 2 * r - 4);
  else {
    c.moveTo(x, y - r);
    c.lineTo(x + r, y);
    c.lineTo(x, y + r);
    c.lineTo(x - r, y);
    c.closePath();
  }
  const isHollow = stage === "search";
  c.lineWidth = 2;
  c.lineJoin = "round";
  c.fillStyle = isHollow ? colours.halo : colour;
  c.strokeStyle = isHollow ? colour : colours.halo;
  c.fill();
  c.stroke();
}

/** Who goes where, and who is asked.
 * @param {CanvasRenderingContext2D} c @param {Projection} at @param {Pin[]} pins @param {Scene} scene */
function drawTies(c, at, pins, scene) {
  c.lineWidth = 1.4;
  for (const pin of pins) {
    if (!pin.technician_id || pin.stage === "ahead") continue;
    const there = scene.where(pin.technician_id);
    if (!there) continue;
    c.strokeStyle = colours.of(PINS[pin.stage]);
    c.setLineDash(pin.stage === "offer" ? [4, 4] : []);
    c.globalAlpha = pin.id === scene.chosen || pin.technician_id === scene.chosen ? 1 : 0.45;
    c.beginPath();
    c.moveTo(at.x(pin.lng), at.y(pin.lat));
    c.lineTo(at.x(there.lng), at.y(there.lat));
    c.stroke();
  }
  c.setLineDash([]);
  c.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} c @param {Projection} at @param {readonly (readonly number[])[]} trail */
function drawTrail(c, at, trail) {
  if (trail.length < 2) return;
  c.strokeStyle = colours.of("accent");
  c.lineWidth = 3;
  c.lineJoin = c.lineCap = "round";
  const parts = 12;
  for (let part = 0; part < parts; part++) {
    const [from, to] = [Math.floor((part / parts) * (trail.length - 1)), Math.floor(((part + 1) / parts) * (trail.length - 1))];
    c.globalAlpha = 0.15 + (0.65 * part) / parts;
    c.beginPath();
    for (let n = from; n <= to; n++) {
      const [, lat = 0, lng = 0] = trail[n] ?? [];
      n === from ? c.moveTo(at.x(lng), at.y(lat)) : c.lineTo(at.x(lng), at.y(lat));
    }
    c.stroke();
  }
  c.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} c @param {number} x @param {number} y @param {number} r @param {string} colour @param {number} [width] */
function ring(c, x, y, r, colour, width = 2.4) {
  c.beginPath();
  c.arc(x, y, r, 0, 2 * Math.PI);
  c.lineWidth = width;
  c.strokeStyle = colour;
  c.stroke();
}

/** @param {CanvasRenderingContext2D} c @param {number} x @param {number} y @param {string} text */
function label(c, x, y, text) {
  c.font = "600 12px system-ui, sans-serif";
  c.textAlign = "center";
  const width = c.measureText(text).width + 12;
  c.fillStyle = colours.of("text");
  c.beginPath();
  c.roundRect(x - width / 2, y - 13, width, 18, 4);
  c.fill();
  c.fillStyle = colours.of("surface");
  c.fillText(text, x, y);
}

/**
 * What is under a point of the screen: the nearest, bookings first.
 * @param {Hit[]} hits @param {number} x @param {number} y @param {number} reach
 */
export function hitAt(hits, x, y, reach) {
  /** @type {Hit | null} */
  let best = null;
  let least = Infinity;
  for (const hit of hits) {
    const d = Math.hypot(hit.x - x, hit.y - y) - (hit.kind === "booking" ? 3 : hit.kind === "cluster" ? 14 : 0);
    if (d < least && d < reach) [best, least] = [hit, d];
  }
  return best;
}
