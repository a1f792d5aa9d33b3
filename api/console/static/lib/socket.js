// A small client of Socket.IO 5 over Engine.IO 4, WebSocket only: signs in, acknowledges, beats, comes back, resumes.
import { signal } from "./state.js";
import { newKey } from "./api.js";
import { setNow } from "./boot.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {"connecting" | "live" | "waiting" | "refused" | "closed"} Standing */
/** @typedef {{ok: boolean, data?: any, error?: {code: string, message: string, details?: any, retry_after_s?: number}}} Ack */
/** @typedef {ReturnType<typeof openSocket>} Socket */

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;
const ACK_MS = 10_000;
/** How often a command is sent under the same id before it counts as lost. */
const COMMAND_TRIES = 4;
/** The server cuts with this when a token has ended. */
const TOKEN_ENDED = 4401;
const REFUSED_CODES = new Set(["unauthorized", "token_expired", "invalid_token", "not_signed_in"]);

/**
 * A socket of one namespace for a session. `resumes`: the namespace has facts with numbers, of bookings or (`isParty`)
 * of the one who is signed in; what was missed is asked for after each connect.
 * @param {Session} session
 * @param {string} namespace such as "/ops"
 * @param {{resumes?: boolean, isParty?: boolean}} [options]
 */
export function openSocket(session, namespace, options = {}) {
  /** @type {WebSocket | null} */
  let ws = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let later;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let deaf;
  let [patience_ms, tries, ackId, isClosed] = [45_000, 0, 0, false];
  let usedToken = "";
  /** @type {Map<number, (answer: Ack | null) => void>} */
  const acks = new Map();
  /** @type {Map<string, Set<(data: any) => void>>} */
  const heard = new Map();
  /** @type {Map<string, number>} */
  const seen = new Map();
  /** @type {string | null} */
  let epoch = null;
  let isResuming = false;
  const standing = signal(/** @type {Standing} */ ("connecting"));
  const lastNews_ms = signal(Date.now());
  const problem = signal(/** @type {string} */ (""));

  async function connect() {
    clearTimeout(later);
    if (isClosed || ws) return;
    const token = await session.token();
    if (!token) return standing.set("refused");
    if (isClosed || ws) return;
    usedToken = token;
    if (standing.peek() !== "waiting") standing.set("connecting");
    const mine = (ws = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/socket.io/?EIO=4&transport=websocket`));
    mine.onmessage = (event) => mine === ws && packet(String(event.data));
    mine.onclose = (event) => mine === ws && lost(event.code);
    listenForLife();
  }

  /** Nothing for longer than the server's heartbeat allows: the line is dead though nobody said so. */
  function listenForLife() {
    clearTimeout(deaf);
    deaf = setTimeout(() => drop(), patience_ms);
  }

  function drop() {
    const dying = ws;
    if (!dying) return;
    dying.onclose = null;
    dying.close();
    lost(1006);
  }

  /** @param {number} code */
  async function lost(code) {
    ws = null;
    clearTimeout(deaf);
    for (const answer of [...acks.values()]) answer(null);
    acks.clear();
    if (isClosed) return standing.set("closed");
    standing.set("waiting");
    if (code === TOKEN_ENDED) {
      const fresh = await session.renew(usedToken).catch(() => "later");
      if (!fresh) return standing.set("refused");
    }
    again();
  }

  function again() {
    if (isClosed) return;
    const wait_ms = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries++) * (0.5 + Math.random() / 2);
    clearTimeout(later);
    later = setTimeout(connect, wait_ms);
  }

  /** @param {string} text */
  function packet(text) {
    listenForLife();
    if (text[0] === "2") return ws?.send("3");
    if (text[0] === "0") {
      const { pingInterval = 25_000, pingTimeout = 20_000 } = JSON.parse(text.slice(1));
      patience_ms = pingInterval + pingTimeout;
      return ws?.send(`40${namespace},${JSON.stringify({ token: usedToken })}`);
    }
    if (text[0] === "1") return drop();
    if (text[0] !== "4") return undefined;
    const kind = text[1];
    const rest = text.slice(2);
    const body = rest.startsWith(namespace + ",") ? rest.slice(namespace.length + 1) : rest.startsWith(namespace) ? "" : rest;
    if (kind === "0") return joined();
    if (kind === "1") return drop();
    if (kind === "4") return refused(JSON.parse(body || "{}"));
    const begin = body.search(/[[{]/);
    if (begin < 0) return undefined;
    const id = body.slice(0, begin);
    const data = JSON.parse(body.slice(begin));
    if (kind === "3") acks.get(Number(id))?.(data[0]);
    if (kind === "2") told(data[0], data[1]);
    return undefined;
  }

  async function joined() {
    tries = 0;
    lastNews_ms.set(Date.now());
    problem.set("");
    const mine = ws;
    if (options.resumes) await resume();
    // Lost meanwhile.
    if (mine !== ws) return;
    standing.set("live");
    hear("connect", {});
  }

  /** @param {{message?: string, data?: {code?: string, message?: string}}} said */
  async function refused(said) {
    const dying = ws;
    ws = null;
    clearTimeout(deaf);
    if (dying) {
      dying.onclose = null;
      dying.close();
    }
    problem.set(said.data?.message ?? said.message ?? "The server refused the connection.");
    if (!said.data?.code || REFUSED_CODES.has(said.data.code)) {
      const fresh = await session.renew(usedToken).catch(() => "later");
      if (fresh && tries < 5) {
        standing.set("waiting");
        return again();
      }
    }
    return standing.set("refused");
  }

  /** @param {string} event @param {any} data */
  function told(event, data) {
    lastNews_ms.set(Date.now());
    if (event === "reset") {
      epoch = data.epoch ?? epoch;
      for (const [id, seq] of Object.entries(data.streams ?? {})) seen.set(id, /** @type {number} */ (seq));
    } else if (typeof data?.seq === "number" && data.epoch) {
      const stream = options.isParty ? [...seen.keys()][0] : data.booking_id;
      if (stream && !isNext(stream, data)) return;
      if (data.at) setNow(data.at, isResuming);
    }
    hear(event, data);
  }

  /** @param {string} stream @param {{epoch: string, seq: number}} fact */
  function isNext(stream, fact) {
    if (epoch !== null && fact.epoch !== epoch) {
      // Another history: what was counted means nothing now.
      seen.clear();
      epoch = fact.epoch;
      hear("reset", { epoch, streams: {}, snapshot: {} });
    }
    epoch = fact.epoch;
    const last = seen.get(stream);
    if (last !== undefined && fact.seq <= last) return false;
    if (last !== undefined && fact.seq > last + 1) {
      void resume();
      return false;
    }
    seen.set(stream, fact.seq);
    return true;
  }

  async function resume() {
    if (isResuming) return;
    isResuming = true;
    const answer = await emit("resume", { streams: Object.fromEntries(seen), ...(epoch ? { epoch } : {}) });
    isResuming = false;
    if (!answer?.ok) return;
    if (epoch !== null && answer.data.epoch !== epoch) seen.clear();
    epoch = answer.data.epoch;
    for (const [id, seq] of Object.entries(answer.data.streams ?? {})) if (!seen.has(id)) seen.set(id, /** @type {number} */ (seq));
  }

  /** @param {string} event @param {any} data */
  function hear(event, data) {
    for (const one of heard.get(event) ?? []) {
      try {
        one(data);
      } catch (error) {
        console.error(event, error);
      }
    }
  }

  /** @param {string} event @param {object} payload @returns {Promise<Ack | null>} null: not acknowledged */
  function emit(event, payload) {
    return new Promise((done) => {
      if (!ws || ws.readyState !== WebSocket.OPEN) return done(null);
      const id = ++ackId;
      const timer = setTimeout(() => answered(null), ACK_MS);
      /** @param {Ack | null} answer */
      const answered = (answer) => {
        clearTimeout(timer);
        acks.delete(id);
        done(answer);
      };
      acks.set(id, answered);
      ws.send(`42${namespace},${id}${JSON.stringify([event, payload])}`);
    });
  }

  /**
   * A command that takes effect once, sent until it is answered. Resolves with the last answer.
   * @param {string} event @param {object} payload
   * @returns {Promise<Ack>}
   */
  async function command(event, payload) {
    const whole = { ...payload, command_id: newKey() };
    for (let n = 1; ; n++) {
      const answer = await emit(event, whole);
      if (answer && !(answer.error?.code === "try_again" || answer.error?.retry_after_s)) return answer;
      if (n >= COMMAND_TRIES) return answer ?? { ok: false, error: { code: "unreachable", message: "The server cannot be reached just now." } };
      await new Promise((done) => setTimeout(done, (answer?.error?.retry_after_s ?? n) * 1000));
    }
  }

  /** @param {string} event @param {(data: any) => void} listener @returns {() => void} */
  function on(event, listener) {
    const all = heard.get(event) ?? new Set();
    heard.set(event, all.add(listener));
    return () => all.delete(listener);
  }

  const wake = () => {
    if (document.visibilityState === "hidden" || isClosed || ws) return;
    tries = 0;
    void connect();
  };
  addEventListener("online", wake);
  // The line is dead long before the heartbeat would show it.
  addEventListener("offline", drop);
  document.addEventListener("visibilitychange", wake);
  void connect();

  return {
    on,
    emit,
    command,
    standing,
    lastNews_ms,
    problem,
    reconnect: wake,
    close() {
      isClosed = true;
      clearTimeout(later);
      removeEventListener("online", wake);
      removeEventListener("offline", drop);
      document.removeEventListener("visibilitychange", wake);
      ws?.close();
      standing.set("closed");
    },
  };
}
