// Zones on the board's map: areas with their names.
import { canvasLayer, token } from "../lib/map.js";

/** @typedef {{name: string, is_active?: boolean, boundary: {type: string, coordinates: any}}} Zone */

/**
 * @param {any} map @param {() => readonly Zone[]} zones
 */
export function zoneLayer(map, zones) {
  return canvasLayer(map, (c, at) => {
    c.lineWidth = 1.5;
    c.font = "600 12px system-ui, sans-serif";
    c.textAlign = "center";
    for (const zone of zones()) {
      c.fillStyle = token("zone-fill");
      c.strokeStyle = token("zone-line");
      c.setLineDash(zone.is_active === false ? [5, 5] : []);
      const polygons = zone.boundary.type === "MultiPolygon" ? zone.boundary.coordinates : [zone.boundary.coordinates];
      c.beginPath();
      let [x, y, n, left, right] = [0, 0, 0, Infinity, -Infinity];
      for (const polygon of polygons) {
        for (const ring of polygon) {
          ring.forEach((/** @type {[number, number]} */ p, /** @type {number} */ i) => {
            const [px, py] = [at.x(p[0]), at.y(p[1])];
            i ? c.lineTo(px, py) : c.moveTo(px, py);
            [x, y, n, left, right] = [x + px, y + py, n + 1, Math.min(left, px), Math.max(right, px)];
          });
          c.closePath();
        }
      }
      c.fill("evenodd");
      c.stroke();
      // A name that is wider than its zone would stand on the neighbours'.
      const name = zone.name.slice(0, 40);
      c.fillStyle = token("zone-text");
      if (n && c.measureText(name).width < right - left) c.fillText(name, x / n, y / n);
    }
    c.setLineDash([]);
  }, 250);
}
