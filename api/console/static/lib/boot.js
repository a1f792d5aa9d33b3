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

let [page_ms, phone_ms, slept_ms] = [performance.now(), Date.now(), 0];

/** Milliseconds that only grow: when the phone's clock is set back, and while it sleeps and the page's stands still. */
export function steady_ms() {
  const [page, phone] = [performance.now(), Date.now()];
  const missed_ms = phone - phone_ms - (page - page_ms);
  if (missed_ms > 1000) slept_ms += missed_ms;
  [page_ms, phone_ms] = [page, phone];
  return page + slept_ms;
}

let base_ms = boot.now_ms;
let taken_ms = steady_ms();

/** The server's time now, in unix milliseconds. */
export const now = () => base_ms + (steady_ms() - taken_ms) * boot.speed;

/**
 * The server said what time it is; a message is never newer than its moment, so the clock goes back for big steps only,
 * and for one that `isLate` not at all.
 * @param {string | number} moment @param {boolean} [isLate]
 */
export function setNow(moment, isLate) {
  const said_ms = typeof moment === "number" ? moment : Date.parse(moment);
  if (!Number.isFinite(said_ms)) return;
  const drift_ms = said_ms - now();
  if (drift_ms > 0 || (!isLate && drift_ms < -5000 * Math.max(1, boot.speed))) {
    base_ms = said_ms;
    taken_ms = steady_ms();
  }
}
