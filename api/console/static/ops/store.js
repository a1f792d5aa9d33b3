// What the board knows: the live area as the socket tells it, and what is chosen.
import { signal } from "../lib/state.js";
import { setNow } from "../lib/boot.js";

/**
 * @typedef {object} Tech a technician on the map
 * @property {number} no
 * @property {string} id
 * @property {string} code
 * @property {string} name
 * @property {number} lat
 * @property {number} lng
 * @property {number | null} heading_deg
 * @property {number} fix_s unix seconds
 * @property {"online" | "busy" | "offline" | "stale"} presence
 * @property {string | null} job
 * @property {boolean} is_sure
 * @property {number} from_lat where it was before, and since when it has been on the way from there, for gliding
 * @property {number} from_lng
 * @property {number} since_ms
 */
/**
 * @typedef {object} Job a booking on the map
 * @property {string} id
 * @property {string} number
 * @property {string} status
 * @property {number} lat
 * @property {number} lng
 * @property {string} starts_at
 * @property {number} priority
 * @property {string[]} categories
 * @property {string | null} zone_id
 * @property {boolean} is_queued
 * @property {string | null} queued_at
 * @property {string | null} queue_reason
 * @property {string[]} waits_for
 * @property {string | null} next_look_at
 * @property {string | null} technician_id
 * @property {string | null} assignment_state
 * @property {string | null} offered_to
 * @property {string | null} offer_made_at
 * @property {string | null} offer_expires_at
 */
/** @typedef {{id: string, kind: string, message: string, booking_id: string | null, technician_id: string | null, timezone: string | null, created_at: string}} Alert */
/** @typedef {{kind: "booking" | "technician", id: string}} Choice */
/** @typedef {ReturnType<typeof openStore>} Store */

/** Stages of a booking on the map: who waits for people, for an answer, for its time, and what is under way. */
/** @typedef {"queue" | "search" | "offer" | "ahead" | "now"} Stage */

/** @param {Job} job @returns {Stage} */
export function stageOf(job) {
  if (job.offered_to) return "offer";
  if (job.is_queued) return "queue";
  if (job.status === "pending" || job.status === "partner_assigned") return "search";
  return job.status === "in_progress" || ["in_transit", "arrived", "in_progress"].includes(job.assignment_state ?? "") ? "now" : "ahead";
}

/** @param {import("../lib/socket.js").Socket} socket */
export function openStore(socket) {
  /** @type {Map<number, Tech>} */
  const technicians = new Map();
  /** @type {Map<string, Tech>} */
  const byId = new Map();
  /** @type {Map<string, Job>} */
  const bookings = new Map();
  /** @type {Map<string, Alert>} */
  const alerts = new Map();
  const moves = signal(0);
  const bookingNews = signal(0);
  const alertNews = signal(0);
  const queueLength = signal(0);
  const isCut = signal(false);
  const isKnown = signal(false);
  const chosen = signal(/** @type {Choice | null} */ (null));

  /** @param {any} told */
  function take(told) {
    setNow(told.at);
    const since_ms = performance.now();
    for (const one of told.technicians ?? []) {
      const before = technicians.get(one.no) ?? one;
      const made = Object.assign(one, { from_lat: before.lat, from_lng: before.lng, since_ms });
      technicians.set(one.no, made);
      byId.set(one.id, made);
    }
    for (const [no, lat, lng, heading_deg, fix_s] of told.moved ?? []) {
      const one = technicians.get(no);
      if (one) Object.assign(one, { from_lat: one.lat, from_lng: one.lng, since_ms, lat, lng, heading_deg, fix_s });
    }
    for (const no of told.technicians_gone ?? []) {
      const one = technicians.get(no);
      if (one) byId.delete(one.id);
      technicians.delete(no);
    }
    for (const one of told.bookings ?? []) bookings.set(one.id, one);
    for (const id of told.bookings_gone ?? []) bookings.delete(id);
    for (const one of told.alerts ?? []) alerts.set(one.id, one);
    for (const id of told.alerts_gone ?? []) alerts.delete(id);
    if (told.queue_length !== undefined && told.queue_length !== null) queueLength.set(told.queue_length);
    if (told.is_cut !== undefined && told.is_cut !== null) isCut.set(told.is_cut);
    if (told.technicians || told.moved || told.technicians_gone) moves.update((n) => n + 1);
    if (told.bookings || told.bookings_gone) bookingNews.update((n) => n + 1);
    if (told.alerts || told.alerts_gone) alertNews.update((n) => n + 1);
  }

  socket.on("ops.snapshot", (told) => {
    technicians.clear();
    byId.clear();
    bookings.clear();
    alerts.clear();
    take(told);
    isKnown.set(true);
    for (const news of [moves, bookingNews, alertNews]) news.update((n) => n + 1);
  });
  socket.on("ops.delta", take);

  return { technicians, byId, bookings, alerts, moves, bookingNews, alertNews, queueLength, isCut, isKnown, chosen, take };
}
