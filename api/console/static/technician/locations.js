// Where the phone is, told by the socket; what could not be told waits, and goes later with the times of the phone.
import { steady_ms } from "../lib/boot.js";
import { listen, onEnd, signal } from "../lib/state.js";
import { positionProblem } from "../people/positions.js";

/** @typedef {[number, number, number, number | null, number | null, number | null]} Fix t_ms, lat, lng, accuracy_m, speed_mps, heading_deg */
/** Times are those of `steady_ms`: a phone's clock that is set back stops nothing. Of fixes they are the phone's. */
/** @typedef {{state: "off" | "looking" | "found" | "lost", text: string, accuracy_m: number, at_ms: number, lat: number, lng: number}} Standing */

/** Of each technician their own: who signs in next on this phone was not there. */
const KEYS = "dispatch.technician.fixes.";
/** What one frame may hold, and how often one goes. */
const MOST_IN_FRAME = 50;
const FRAME_MS = 1500;
/** More are thinned out: a day without a network must not fill the phone. */
const MOST_KEPT = 2000;
/** Who stands still says so this often. */
const STILL_MS = 20_000;
const KEEP_MS = 4000;
/** A position that is so old counts as lost. */
const LOST_MS = 75_000;

/** @param {string} key @returns {Fix[]} */
function read(key) {
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

/**
 * Follows the phone while `isWanted`, in one tab only.
 * @param {import("../lib/socket.js").Socket} socket @param {() => boolean} isWanted a signal's reader
 * @param {string} technicianId
 */
export function locations(socket, isWanted, technicianId) {
  const key = KEYS + technicianId;
  /** @type {Fix[]} */
  let waiting = read(key);
  const standing = signal(/** @type {Standing} */ ({ state: "off", text: "", accuracy_m: 0, at_ms: -Infinity, lat: 0, lng: 0 }));
  const backlog = signal(waiting.length);
  const isOtherTab = signal(false);
  let watch = 0;
  let isSending = false;
  let pausedUntil = 0;
  let keptAt = 0;

  function keep() {
    keptAt = steady_ms();
    try {
      localStorage.setItem(key, JSON.stringify(waiting));
    } catch {
      // A full store costs the backlog of a reload, nothing else.
    }
  }

  /** @param {GeolocationPosition} position */
  function found(position) {
    const { latitude, longitude, accuracy, speed, heading } = position.coords;
    standing.set({ state: "found", text: "", accuracy_m: accuracy, at_ms: steady_ms(), lat: latitude, lng: longitude });
    const last = waiting.at(-1);
    const t_ms = Math.round(position.timestamp);
    if (last && t_ms <= last[0]) return;
    waiting.push([t_ms, latitude, longitude, Math.min(accuracy, 100_000), speed, Number.isNaN(heading) ? null : heading]);
    if (waiting.length > MOST_KEPT) waiting = waiting.filter((_, n) => n % 2 === 1 || n > waiting.length - 100);
    backlog.set(waiting.length);
    if (steady_ms() - keptAt > KEEP_MS) keep();
    void send();
  }

  /** @param {GeolocationPositionError | null} error null where there is none to ask */
  function lost(error) {
    const was = standing.peek();
    // Who stands still is not asked again by every phone: what was known a moment ago is still true.
    if (error && error.code === error.TIMEOUT && was.state === "found" && steady_ms() - was.at_ms < LOST_MS) return;
    const text = positionProblem(error);
    // It is looked for each second, and said once.
    if (was.state !== "lost" || was.text !== text) standing.set({ ...was, state: "lost", text });
  }

  async function send() {
    if (isSending || !waiting.length || steady_ms() < pausedUntil || socket.standing.peek() !== "live") return;
    isSending = true;
    const frame = waiting.slice(0, MOST_IN_FRAME);
    const answer = await socket.emit("location.report", { fixes: frame, sent_at_ms: Date.now() });
    isSending = false;
    if (!answer) return;
    const wait_s = answer.error?.details?.retry_after_s ?? answer.error?.retry_after_s;
    if (!answer.ok && wait_s) {
      pausedUntil = steady_ms() + wait_s * 1000;
      return;
    }
    // Taken, or refused for good: neither becomes better by coming again.
    const told_ms = frame.at(-1)?.[0] ?? 0;
    waiting = waiting.filter((fix) => fix[0] > told_ms);
    backlog.set(waiting.length);
    keep();
    pausedUntil = steady_ms() + FRAME_MS;
  }

  function start() {
    if (watch) return;
    if (!navigator.geolocation) return lost(null);
    standing.set({ ...standing.peek(), state: Number.isFinite(standing.peek().at_ms) ? standing.peek().state : "looking", text: "" });
    watch = navigator.geolocation.watchPosition(found, lost, { enableHighAccuracy: true, maximumAge: 2000, timeout: 30_000 });
  }

  function stop() {
    if (watch) navigator.geolocation.clearWatch(watch);
    watch = 0;
    standing.set({ ...standing.peek(), state: "off", text: "" });
  }

  /** One tab tells; another takes over when it closes. */
  const release = { now: () => {} };
  let isEnded = false;
  if (navigator.locks) {
    isOtherTab.set(true);
    void navigator.locks.request(`dispatch.technician.location.${technicianId}`, () => new Promise((done) => {
      if (isEnded) return done(null);
      isOtherTab.set(false);
      waiting = read(key);
      release.now = () => done(null);
      return undefined;
    }));
  }
  const tick = () => {
    if (isWanted() && !isOtherTab.peek()) {
      start();
      if (watch && steady_ms() - standing.peek().at_ms > STILL_MS) navigator.geolocation.getCurrentPosition(found, lost, { enableHighAccuracy: true, maximumAge: 0, timeout: 15_000 });
    } else stop();
    void send();
  };
  const timer = setInterval(tick, 1000);
  listen(window, "pagehide", keep);
  onEnd(() => {
    isEnded = true;
    clearInterval(timer);
    stop();
    keep();
    release.now();
  });
  return { standing, backlog, isOtherTab, again: () => (stop(), tick()) };
}
