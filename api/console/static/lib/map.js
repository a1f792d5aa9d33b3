// The map: Leaflet moves it, and what is drawn is ours: a graticule, and canvas layers for what lives. There are
// no tiles unless an address of some is set.
import { boot } from "./boot.js";
import { onEnd } from "./state.js";

/** @typedef {{x: (lng: number) => number, y: (lat: number) => number, width: number, height: number, zoom: number, metresPerPixel: number}} Projection */
/** @typedef {{west: number, south: number, east: number, north: number}} Box */
/** @typedef {ReturnType<typeof openMap>} OpenMap */

const TILE = 256;
const MAX_LAT = 85.0511;
/** Degrees between the lines of the graticule, from far to near. */
const STEPS = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];
const LINE_APART_PX = 110;
const EQUATOR_M_PER_PX = 156543.03;

/** A colour of the page's tokens, for canvases. @param {string} name */
export const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/**
 * A map in an element, until the scope ends.
 * @param {HTMLElement} element @param {{lat: number, lng: number, zoom: number}} first
 */
export function openMap(element, first) {
  const map = L.map(element, {
    center: [first.lat, first.lng], zoom: first.zoom, minZoom: 3, maxZoom: 19, zoomSnap: 0.5, zoomAnimation: false, fadeAnimation: false,
    markerZoomAnimation: false, attributionControl: false, zoomControl: false, worldCopyJump: true, preferCanvas: true,
  });
  L.control.zoom({ position: "bottomright" }).addTo(map);
  L.control.scale({ position: "bottomleft", imperial: false }).addTo(map);
  if (boot.tile_url) {
    L.tileLayer(boot.tile_url, { maxZoom: 19 }).addTo(map);
    if (boot.tile_attribution) {
      // As text: the setting is an operator's, and still no HTML.
      const thanks = L.control.attribution({ prefix: false, position: "bottomleft" }).addTo(map);
      thanks.getContainer().textContent = boot.tile_attribution;
    }
  }
  const sized = new ResizeObserver(() => map.invalidateSize({ animate: false }));
  sized.observe(element);
  onEnd(() => {
    sized.disconnect();
    map.remove();
  });
  return map;
}

/** The visible area. @param {any} map @param {number} [padding] a share of the size on every side @returns {Box} */
export function boxOf(map, padding = 0) {
  const bounds = map.getBounds().pad(padding);
  const clamp = (/** @type {number} */ v, /** @type {number} */ most) => Math.max(-most, Math.min(most, v));
  return { west: clamp(bounds.getWest(), 180), south: clamp(bounds.getSouth(), 90), east: clamp(bounds.getEast(), 180), north: clamp(bounds.getNorth(), 90) };
}

/** Where things are on the screen now. @param {any} map @returns {Projection} */
export function projection(map) {
  const zoom = map.getZoom();
  const scale = TILE * 2 ** zoom;
  const origin = map.getPixelBounds().min;
  const size = map.getSize();
  return {
    x: (lng) => ((lng + 180) / 360) * scale - origin.x,
    y: (lat) => {
      const s = Math.sin((Math.max(-MAX_LAT, Math.min(MAX_LAT, lat)) * Math.PI) / 180);
      return (0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * scale - origin.y;
    },
    width: size.x,
    height: size.y,
    zoom,
    metresPerPixel: (EQUATOR_M_PER_PX * Math.cos((map.getCenter().lat * Math.PI) / 180)) / 2 ** zoom,
  };
}

/**
 * A canvas over the map, drawn at most once per frame: whenever the map moves, and when asked.
 * @param {any} map @param {(context: CanvasRenderingContext2D, at: Projection) => void} draw @param {number} [order]
 * @returns {{redraw: () => void, took_ms: number[]}} the last draws' times
 */
export function canvasLayer(map, draw, order = 410) {
  const canvas = document.createElement("canvas");
  canvas.className = "map-canvas";
  canvas.style.zIndex = String(order);
  canvas.setAttribute("aria-hidden", "true");
  map.getContainer().append(canvas);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const took_ms = /** @type {number[]} */ ([]);
  // Where `dispatch bench pages` reads it.
  Object.assign(canvas, { took_ms });
  let frame = 0;
  const paint = () => {
    frame = 0;
    const at = projection(map);
    const ratio = Math.min(2, devicePixelRatio || 1);
    const [width, height] = [Math.round(at.width * ratio), Math.round(at.height * ratio)];
    const began = performance.now();
    if (canvas.width !== width || canvas.height !== height) {
      [canvas.width, canvas.height] = [width, height];
      canvas.style.width = `${at.width}px`;
      canvas.style.height = `${at.height}px`;
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, at.width, at.height);
    draw(context, at);
    took_ms.push(performance.now() - began);
    if (took_ms.length > 600) took_ms.shift();
  };
  const redraw = () => {
    frame ||= requestAnimationFrame(paint);
  };
  map.on("move zoom resize viewreset", redraw);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", redraw);
  onEnd(() => {
    cancelAnimationFrame(frame);
    dark.removeEventListener("change", redraw);
    canvas.remove();
  });
  redraw();
  return { redraw, took_ms };
}

/**
 * Lines of latitude and longitude with their degrees, below everything else.
 * @param {any} map
 */
export function graticule(map) {
  return canvasLayer(map, (c, at) => {
    if (boot.tile_url) return;
    const box = boxOf(map);
    const perPixel = 360 / (TILE * 2 ** at.zoom);
    const step = [...STEPS].reverse().find((one) => one / perPixel >= LINE_APART_PX) ?? 30;
    const digits = Math.max(0, Math.ceil(-Math.log10(step)));
    c.strokeStyle = token("map-line");
    c.fillStyle = token("map-text");
    c.lineWidth = 1;
    c.font = "11px system-ui, sans-serif";
    c.beginPath();
    for (let lng = Math.ceil(box.west / step) * step; lng <= box.east; lng += step) {
      const x = Math.round(at.x(lng)) + 0.5;
      c.moveTo(x, 0);
      c.lineTo(x, at.height);
      c.fillText(`${Math.abs(lng).toFixed(digits)}° ${lng < 0 ? "W" : "E"}`, x + 4, at.height - 34);
    }
    for (let lat = Math.ceil(box.south / step) * step; lat <= box.north; lat += step) {
      const y = Math.round(at.y(lat)) + 0.5;
      c.moveTo(0, y);
      c.lineTo(at.width, y);
      // The lowest stripe is that of the longitudes and of the scale.
      if (y < at.height - 48) c.fillText(`${Math.abs(lat).toFixed(digits)}° ${lat < 0 ? "S" : "N"}`, 6, y - 4);
    }
    c.stroke();
  }, 200);
}
