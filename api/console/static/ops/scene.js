// How the board's map is drawn: technicians, bookings, offers, trails, clusters. Canvas only, made for thousands.
import { token } from "../lib/map.js";

/** @typedef {import("../lib/map.js").Projection} Projection */
/** @typedef {import("./store.js").Stage} Stage */
/** @typedef {{no: number, id: string, name: string, lat: number, lng: number, heading_deg: number | null, presence: string, is_sure: boolean, age_s: number}} Dot */
/** @typedef {{id: string, number: string, lat: number, lng: number, stage: Stage, share: number, technician_id: string | null}} Pin share: of an open offer's time that is left */
/** @typedef {{technicians: Iterable<Dot>, bookings: Iterable<Pin>, where: (id: string) => {lat: number, lng: number} | undefined, trail: readonly (readonly number[])[], chosen: string | null, hovered: string | null}} Scene */
/** @typedef {{x: number, y: number, kind: "technician" | "booking" | "cluster", id: string, label: string}} Hit */

/** Below this zoom, neighbours are drawn as one. */
export const CLUSTER_ZOOM = 10.5;
const CELL_PX = 64;
const HEADINGS = 24;
const DOT = 26;
/** A position of this age is as faint as it gets, in seconds. */
const FAINT_S = 90;
const AGES = 4;
const PINS = { queue: "b-queue", search: "b-queue", offer: "b-offer", ahead: "b-ahead", now: "b-now" };

/** Small pictures that are drawn once and copied thousands of times; made anew when the colours change. */
class Sprites {
  constructor() {
    /** @type {Map<string, HTMLCanvasElement>} */
    this.made = new Map();
    this.theme = "";
  }

  fresh() {
    const theme = token("surface");
    if (theme === this.theme) return;
    this.theme = theme;
    this.made.clear();
    this.halo = token("halo");
    /** @type {Record<string, string>} */
    this.colours = Object.fromEntries(["p-online", "p-busy", "p-stale", "p-offline", "b-queue", "b-offer", "b-ahead", "b-now", "text", "surface", "accent", "map-text"].map((one) => [one, token(one)]));
  }

  /** @param {string} name */
  colour(name) {
    return this.colours?.[name] ?? "#888";
  }

  /** @param {string} presence @param {boolean} isSure @param {number | null} heading @param {number} age_s */
  dot(presence, isSure, heading, age_s) {
    const turn = heading === null ? -1 : Math.round(heading / (360 / HEADINGS)) % HEADINGS;
    const age = Math.min(AGES - 1, Math.floor((age_s / FAINT_S) * AGES));
    const key = `${presence}|${isSure ? 1 : 0}|${turn}|${age}`;
    let found = this.made.get(key);
    if (!found) this.made.set(key, (found = this.paintDot(presence, isSure, turn, age)));
    return found;
  }

  /** @param {string} presence @param {boolean} isSure @param {number} turn @param {number} age */
  paintDot(presence, isSure, turn, age) {
    const ratio = Math.min(2, devicePixelRatio || 1);
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = DOT * ratio;
    const c = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    c.scale(ratio, ratio);
    c.translate(DOT / 2, DOT / 2);
    const colour = this.colour(`p-${presence}`);
    const isHollow = !isSure || presence === "stale" || presence === "offline";
    c.globalAlpha = 1 - (age / AGES) * 0.6;
    if (turn >= 0 && presence !== "offline") {
      c.save();
      c.rotate((turn / HEADINGS) * 2 * Math.PI);
      c.beginPath();
      c.moveTo(0, -12.5);
      c.lineTo(5, -4.5);
      c.lineTo(-5, -4.5);
      c.closePath();
      c.fillStyle = colour;
      c.fill();
      c.restore();
    }
    c.beginPath();
    // A job is a square, everything else is round: told apart without colours too.
    if (presence === "busy") c.roundRect(-5.5, -5.5, 11, 11, 2);
    else c.arc(0, 0, presence === "offline" ? 3.5 : 5.8, 0, 2 * Math.PI);
    c.lineWidth = isHollow ? 2.2 : 1.6;
    c.fillStyle = isHollow ? (this.halo ?? "#fff") : colour;
    c.strokeStyle = isHollow ? colour : (this.halo ?? "#fff");
    c.fill();
    c.stroke();
    return canvas;
  }
}

const sprites = new Sprites();

/**
 * Draws a scene, and gives what can be hit.
 * @param {CanvasRenderingContext2D} c @param {Projection} at @param {Scene} scene
 * @returns {Hit[]}
 */
export function drawScene(c, at, scene) {
  sprites.fresh();
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

/** @param {CanvasRenderingContext2D} c @param {Projection} at @param {Scene} scene @param {Hit[]} hits */
function drawDots(c, at, scene, hits) {
  const half = DOT / 2;
  /** @type {{x: number, y: number, dot: Dot}[]} */
  const named = [];
  for (const dot of scene.technicians) {
    const [x, y] = [at.x(dot.lng), at.y(dot.lat)];
    if (x < -half || y < -half || x > at.width + half || y > at.height + half) continue;
    c.drawImage(sprites.dot(dot.presence, dot.is_sure, dot.heading_deg, dot.age_s), x - half, y - half, DOT, DOT);
    hits.push({ x, y, kind: "technician", id: dot.id, label: dot.name });
    if (dot.id === scene.chosen || dot.id === scene.hovered) named.push({ x, y, dot });
  }
  for (const { x, y, dot } of named) {
    ring(c, x, y, 13, sprites.colour("accent"));
    label(c, x, y + 26, `${dot.name.slice(0, 40)} · ${dot.age_s < 1 ? "now" : `${Math.round(dot.age_s)} s`}`);
  }
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
    c.fillStyle = sprites.colour("surface");
    c.fill();
    c.lineWidth = 4;
    let from = -Math.PI / 2;
    for (const [n, colour] of /** @type {[number, string][]} */ ([[cell.online, "p-online"], [cell.busy, "p-busy"], [cell.n - cell.online - cell.busy, "p-offline"]])) {
      const to = from + (n / cell.n) * 2 * Math.PI;
      c.beginPath();
      c.arc(x, y, radius, from, to);
      c.strokeStyle = sprites.colour(colour);
      if (n) c.stroke();
      from = to;
    }
    c.fillStyle = sprites.colour("text");
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
    const colour = sprites.colour(PINS[pin.stage]);
    if (pin.stage === "offer") {
      // What is left of the offer's time: the ring shrinks towards the booking.
      ring(c, x, y, 9 + 18 * pin.share, colour, 2);
    }
    paintPin(c, x, y, pin.stage, colour, isFar ? 0.7 : 1);
    hits.push({ x, y, kind: "booking", id: pin.id, label: pin.number });
    if (pin.id === scene.chosen || pin.id === scene.hovered) {
      ring(c, x, y, 15, sprites.colour("accent"));
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
  c.fillStyle = isHollow ? (sprites.halo ?? "#fff") : colour;
  c.strokeStyle = isHollow ? colour : (sprites.halo ?? "#fff");
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
    c.strokeStyle = sprites.colour(PINS[pin.stage]);
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
  c.strokeStyle = sprites.colour("accent");
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
  c.fillStyle = sprites.colour("text");
  c.beginPath();
  c.roundRect(x - width / 2, y - 13, width, 18, 4);
  c.fill();
  c.fillStyle = sprites.colour("surface");
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
