// What the server said with the page, and its time: a phone whose clock is wrong must not count wrong.

/**
 * @typedef {object} Boot
 * @property {"development" | "test" | "staging" | "production"} env
 * @property {string} brand
 * @property {string} currency
 * @property {string} timezone
 * @property {string} phone_region
 * @property {number} now_ms
 * @property {number} speed
 * @property {string} checkout_url where people pay an order on the local gateway's page; empty with any other
 * @property {string} tile_url
 * @property {string} tile_attribution
 */

/** @type {Boot} */
export const boot = JSON.parse(document.getElementById("boot")?.textContent || "{}");

let base_ms = boot.now_ms;
let taken_ms = performance.now();

/** The server's time now, in unix milliseconds. */
export const now = () => base_ms + (performance.now() - taken_ms) * boot.speed;

/**
 * The server said what time it is; a message is never newer than its moment, so the clock goes back for big steps only.
 * @param {string | number} moment
 */
export function setNow(moment) {
  const said_ms = typeof moment === "number" ? moment : Date.parse(moment);
  if (!Number.isFinite(said_ms)) return;
  const drift_ms = said_ms - now();
  if (drift_ms > 0 || drift_ms < -5000 * Math.max(1, boot.speed)) {
    base_ms = said_ms;
    taken_ms = performance.now();
  }
}
