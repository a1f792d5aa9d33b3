// A day played again on the same map: positions and facts of the past, with a slider and speeds.
import { computed, onEnd, signal } from "../lib/state.js";
import { h } from "../lib/dom.js";
import { now } from "../lib/boot.js";
import { boxOf } from "../lib/map.js";
import { clockTime, isoDay, momentAt, number } from "../lib/format.js";
import { sentenceOf } from "../lib/problems.js";

/** @typedef {import("./scene.js").Pin} Pin */
/** @typedef {import("./scene.js").Dot} Dot */
/** @typedef {import("./store.js").Stage} Stage */
/** @typedef {[number, number, number, number, number]} Point number of the technician, unix s, lat, lng, heading or -1 */
/** @typedef {{points: Point[], technicians: {no: number, id: string, code: string, name: string}[], facts: Fact[], is_cut: boolean}} Past */
/** @typedef {{booking_id: string, booking_number: string, lat: number, lng: number, starts_at: string, action: string, at: string, partner_id: string | null, expires_at: string | null}} Fact */
/** @typedef {{from_s: number, tracks: Map<number, Point[]>, people: Map<number, {id: string, name: string}>, bookings: Map<string, (Fact & {at_s: number})[]>, isCut: boolean}} Chunk */

const CHUNK_S = 600;
const DAY_S = 86_400;
const MOST_CHUNKS = 30;
const SPEEDS = [1, 10, 30, 60, 120, 300];
/** Between two points further apart than this nobody knows where somebody was, in seconds. */
const GAP_S = 150;
/** @type {Record<string, Stage | "over">} */
const STAGES = {
  "booking.created": "search", "booking.queued": "queue", "booking.reopened": "search", "booking.confirmed": "ahead", "booking.completed": "over",
  "booking.cancelled": "over", "booking.refunded": "over", "partner.assigned": "offer", "partner.rejected": "search", "partner.expired": "search",
  "partner.withdrawn": "search", "partner.in_transit": "now", "partner.arrived": "now", "partner.cancelled": "search", "service.started": "now",
};

/**
 * The bar of the replay; while it is open the map shows the past.
 * @param {import("../lib/api.js").Client} api @param {import("./board-map.js").BoardMap} board @param {() => void} close
 */
export function replayBar(api, board, close) {
  const today = isoDay(now());
  const day = signal(today);
  const from_s = computed(() => momentAt(`${day()}T00:00`) / 1000);
  const at_s = signal(Math.max(from_s(), now() / 1000 - 1800));
  const speed = signal(60);
  const isPlaying = signal(true);
  const note = signal("");
  /** @type {Map<number, Chunk | Promise<Chunk>>} */
  const chunks = new Map();
  let area = "";

  function forget() {
    const { west, south, east, north } = boxOf(board.map, 0.3);
    const next = [west, south, east, north].map((v) => v.toFixed(3)).join();
    if (next !== area) chunks.clear();
    area = next;
  }
  board.map.on("moveend", forget);
  onEnd(() => board.map.off("moveend", forget));
  forget();

  /** @param {number} begin @returns {Chunk | null} */
  function chunk(begin) {
    const found = chunks.get(begin);
    if (found) return found instanceof Promise ? null : found;
    if (begin > now() / 1000) return null;
    const { west, south, east, north } = boxOf(board.map, 0.3);
    const asked = { from_at: iso(begin), to_at: iso(begin + CHUNK_S), west, south, east, north, step_s: speed.peek() > 60 ? 30 : 10 };
    const made = api.get("/v1/admin/board/replay", asked).then((past) => sorted(begin, past));
    chunks.set(begin, made);
    // An answer of an area that was left says nothing of this one.
    const isStill = () => chunks.get(begin) === made;
    made.then((done) => {
      if (!isStill()) return;
      chunks.set(begin, done);
      note.set(done.isCut ? "More happened than is shown: zoom in." : "");
      while (chunks.size > MOST_CHUNKS) chunks.delete(/** @type {number} */ (chunks.keys().next().value));
      board.layer.redraw();
    }, (error) => {
      if (!isStill()) return;
      note.set(sentenceOf(error));
      setTimeout(() => isStill() && chunks.delete(begin), 3000);
    });
    return null;
  }

  /** @returns {import("./scene.js").Scene} */
  function scene() {
    const t = at_s.peek();
    const begin = Math.floor(t / CHUNK_S) * CHUNK_S;
    const one = chunk(begin);
    chunk(begin + CHUNK_S);
    const dots = one ? [...dotsAt(one, t)] : [];
    const where = new Map(dots.map((dot) => [dot.id, dot]));
    return { technicians: dots, bookings: one ? [...pinsAt(one, t)] : [], where: (id) => where.get(id), trail: [], chosen: null, hovered: board.hovered.peek() };
  }
  board.past.set(scene);
  onEnd(() => board.past.set(null));

  let last_ms = performance.now();
  let frame = requestAnimationFrame(play);
  onEnd(() => cancelAnimationFrame(frame));
  function play() {
    const t = performance.now();
    const passed_s = Math.min(0.25, (t - last_ms) / 1000);
    last_ms = t;
    const isWaiting = chunks.get(Math.floor(at_s.peek() / CHUNK_S) * CHUNK_S) instanceof Promise;
    if (isPlaying.peek() && !isWaiting) {
      const next = at_s.peek() + passed_s * speed.peek();
      const end = Math.min(from_s() + DAY_S, now() / 1000);
      if (next >= end) isPlaying.set(false);
      at_s.set(Math.min(next, end));
      board.layer.redraw();
    }
    frame = requestAnimationFrame(play);
  }

  /** @param {number} next */
  function jump(next) {
    at_s.set(next);
    board.layer.redraw();
  }

  return h("section", { class: "replay", "aria-label": "Replay of a day" },
    h("button", { class: "primary", "aria-label": () => (isPlaying() ? "Pause" : "Play"), onclick: () => isPlaying.update((is) => !is) }, () => (isPlaying() ? "❚❚" : "▶")),
    h("input", { type: "date", "aria-label": "Day", max: today, value: day, onchange: (/** @type {any} */ e) => {
      if (!e.target.value) return;
      day.set(e.target.value);
      jump(momentAt(`${e.target.value}T08:00`) / 1000);
    } }),
    h("output", { class: "replay-time tabular" }, () => clockTime(at_s() * 1000)),
    h("input", { type: "range", min: 0, max: DAY_S, step: 15, "aria-label": "Time of the day", "aria-valuetext": () => clockTime(at_s() * 1000), value: () => Math.round(at_s() - from_s()), oninput: (/** @type {any} */ e) => jump(from_s() + Number(e.target.value)) }),
    h("select", { "aria-label": "Speed", onchange: (/** @type {any} */ e) => speed.set(Number(e.target.value)) }, SPEEDS.map((one) => h("option", { value: one, selected: one === speed.peek() }, `${number(one)}×`))),
    h("button", { onclick: close }, "Back to live"),
    () => !!note() && h("p", { class: "faint replay-note", role: "status" }, note()),
  );
}

/** @param {number} seconds */
const iso = (seconds) => new Date(seconds * 1000).toISOString();

/** @param {number} from_s @param {Past} past @returns {Chunk} */
function sorted(from_s, past) {
  /** @type {Chunk["tracks"]} */
  const tracks = new Map();
  for (const point of past.points) {
    const track = tracks.get(point[0]);
    track ? track.push(point) : tracks.set(point[0], [point]);
  }
  /** @type {Chunk["bookings"]} */
  const bookings = new Map();
  for (const fact of past.facts) {
    const known = { ...fact, at_s: Date.parse(fact.at) / 1000 };
    const all = bookings.get(fact.booking_id);
    all ? all.push(known) : bookings.set(fact.booking_id, [known]);
  }
  return { from_s, tracks, people: new Map(past.technicians.map((one) => [one.no, one])), bookings, isCut: past.is_cut };
}

/** @param {Chunk} chunk @param {number} t @returns {Generator<Dot>} */
function* dotsAt(chunk, t) {
  for (const [no, track] of chunk.tracks) {
    let n = track.findIndex((point) => point[1] > t);
    if (n < 0) n = track.length;
    const before = track[n - 1];
    const after = track[n];
    const near = before ?? after;
    const who = chunk.people.get(no);
    if (!near || !who || (!before && near[1] - t > GAP_S)) continue;
    const isBetween = before && after && after[1] - before[1] <= GAP_S;
    const k = isBetween ? (t - before[1]) / Math.max(1, after[1] - before[1]) : 0;
    const age_s = isBetween ? 0 : Math.abs(t - near[1]);
    yield { no, id: who.id, name: who.name, heading_deg: near[4] < 0 ? null : near[4], presence: age_s > 90 ? "stale" : "online", is_sure: true, age_s,
      lat: isBetween ? before[2] + (after[2] - before[2]) * k : near[2], lng: isBetween ? before[3] + (after[3] - before[3]) * k : near[3] };
  }
}

/** @param {Chunk} chunk @param {number} t @returns {Generator<Pin>} */
function* pinsAt(chunk, t) {
  for (const [id, facts] of chunk.bookings) {
    /** @type {Stage | "over" | null} */
    let stage = null;
    let technician_id = null;
    let share = 0;
    for (const fact of facts) {
      if (fact.at_s > t) break;
      stage = STAGES[fact.action] ?? stage;
      if (fact.partner_id) technician_id = fact.partner_id;
      if (stage === "search" || stage === "queue") technician_id = null;
      const end_s = Date.parse(fact.expires_at ?? "") / 1000;
      if (stage === "offer" && end_s > fact.at_s) share = Math.max(0, Math.min(1, (end_s - t) / (end_s - fact.at_s)));
    }
    const first = facts[0];
    if (stage && stage !== "over" && first) yield { id, number: first.booking_number, lat: first.lat, lng: first.lng, stage, share, technician_id };
  }
}
