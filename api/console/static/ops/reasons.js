// Why somebody does not get a booking, and why a booking waits, in words.
import { words } from "../lib/format.js";

/** @type {Record<string, string>} */
const REASONS = {
  offline: "offline", stale_fix: "no fresh position", no_position: "no position known", category: "does not do this service",
  tier: "not of this tier", not_verified: "papers not verified", outside_radius: "too far away", outside_zone: "works in another zone",
  working_hours: "outside working hours", busy_then: "busy at that time", rating: "rating too low", already_tried: "was asked already",
  offer_open: "has an open offer", org_rule: "not allowed by the organisation", blocked: "blocked or not active", ranked_below: "somebody was better",
  offered: "was offered", attempts_exhausted: "three technicians were asked in vain", manual: "to be assigned by hand", start_passed: "its time has passed",
  no_candidate: "nobody can come", watchdog: "the technician made no progress",
};

/** @param {string | null | undefined} code */
export const reason = (code) => (code ? (REASONS[code] ?? words(code).toLowerCase()) : "");

/**
 * Why nobody comes to this booking yet.
 * @param {{reason?: string | null, queue_reason?: string | null, waits_for?: string[]}} one
 */
export function whyNobody(one) {
  const stands = one.reason ?? one.queue_reason;
  const waits = (one.waits_for ?? []).map(reason);
  if (stands && stands !== "waiting") return waits.length ? `${reason(stands)}; ${waits.join(", ")}` : reason(stands);
  return waits.length ? waits.join(", ") : "looking for somebody";
}
