// Requests to the server: signed, tried again where that is safe, refusals as sentences.
import { effect, every, signal } from "./state.js";
import { Problem, problemOf, SignedOut, Unreachable } from "./problems.js";

/** @typedef {import("./session.js").Session} Session */
/** @typedef {{query?: Record<string, any>, body?: any, key?: string, abort?: AbortSignal, raw?: boolean}} Options */
/** @typedef {ReturnType<typeof client>} Client */

const TRIES = 3;
const TIMEOUT_MS = 20_000;
/** What failed for a moment. */
const PASSING = new Set([429, 502, 503, 504]);
const LONGEST_WAIT_S = 5;
/** How often to look whether the server is there again. */
const LOOK_MS = 5000;
/** Even of three bytes each under the 64 KB that browsers allow. */
const MOST_KEPT_CHARS = 20_000;

/** Whether the last request reached the server; a signal for what says "offline". */
export const isReachable = signal(navigator.onLine);
addEventListener("offline", () => isReachable.set(false));
addEventListener("online", () => isReachable.set(true));
// Whatever says that it cannot be reached hears of its return, though nobody asks for anything meanwhile.
effect(() => {
  if (!isReachable()) every(LOOK_MS, () => void sent("GET", "/healthz", {}, null).catch(() => null));
});

/** A key under which something is done once, however often it is sent. */
export const newKey = () => (crypto.randomUUID ? crypto.randomUUID() : hexKey());

/** Pages without TLS have random bytes only. */
function hexKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/**
 * @param {string} path @param {Record<string, any>} [query] lists become a comma list; what is empty is left out
 */
export function withQuery(path, query) {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length)) continue;
    asked.set(name, Array.isArray(value) ? value.join(",") : String(value));
  }
  const text = asked.toString();
  return text ? `${path}?${text}` : path;
}

/**
 * A client of the REST API for a session; without one, for what is public.
 * @param {Session | null} session
 */
export function client(session) {
  /**
   * The whole answer's JSON. Throws Problem, Unreachable, SignedOut.
   * @param {string} method @param {string} path @param {Options} [options]
   * @returns {Promise<any>}
   */
  async function request(method, path, options = {}) {
    const answer = await tried(method, withQuery(path, options.query), options);
    if (!answer.ok) throw await problemOf(answer);
    if (options.raw) return answer;
    // It may be lost in the middle.
    return answer.status === 204 ? null : answer.json().catch((/** @type {unknown} */ error) => lost(error, options));
  }

  /** @param {string} method @param {string} url @param {Options} options */
  async function tried(method, url, options) {
    const isSafe = method === "GET" || options.key !== undefined;
    for (let n = 1; ; n++) {
      let answer;
      try {
        answer = await signed(method, url, options);
      } catch (error) {
        if (!(error instanceof Unreachable) || !isSafe || n >= TRIES || options.abort?.aborted) throw error;
        await pause(0.3 * 2 ** n);
        continue;
      }
      if (!PASSING.has(answer.status) || !isSafe || n >= TRIES) return answer;
      const wait_s = Number(answer.headers.get("Retry-After")) || 0.3 * 2 ** n;
      if (wait_s > LONGEST_WAIT_S) return answer;
      await pause(wait_s);
    }
  }

  /** @param {string} method @param {string} url @param {Options} options */
  async function signed(method, url, options) {
    const token = await session?.token();
    if (session && !token) throw new SignedOut();
    const answer = await sent(method, url, options, token ?? null);
    if (answer.status !== 401 || !session || !token) return answer;
    const fresh = await session.renew(token);
    if (!fresh) throw new SignedOut();
    return sent(method, url, options, fresh);
  }

  return {
    request,
    /** @param {string} path @param {Record<string, any>} [query] @param {AbortSignal} [abort] */
    get: async (path, query, abort) => (await request("GET", path, { query, abort })).data,
    /** A page of a list, with its numbers. @param {string} path @param {Record<string, any>} [query] @param {AbortSignal} [abort] */
    page: (path, query, abort) => request("GET", path, { query, abort }),
    /** @param {string} path @param {any} [body] @param {string} [key] */
    post: async (path, body = {}, key) => (await request("POST", path, { body, key })).data,
    /** @param {string} path @param {any} body */
    put: async (path, body) => (await request("PUT", path, { body })).data,
    /** @param {string} path @param {any} body */
    patch: async (path, body) => (await request("PATCH", path, { body })).data,
    /** @param {string} path */
    remove: async (path) => (await request("DELETE", path))?.data,
  };
}

/** @param {string} method @param {string} url @param {Options} options @param {string | null} token */
async function sent(method, url, options, token) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (options.key) headers["X-Idempotency-Key"] = options.key;
  const isForm = options.body instanceof FormData;
  if (options.body !== undefined && !isForm) headers["Content-Type"] = "application/json";
  const body = isForm || options.body === undefined ? options.body : JSON.stringify(options.body);
  const limits = [AbortSignal.timeout(TIMEOUT_MS), ...(options.abort ? [options.abort] : [])];
  try {
    const answer = await fetch(url, {
      method, headers, credentials: "omit", signal: AbortSignal.any(limits), body,
      // What was begun is carried out though the page is closed; browsers do that for what is small.
      keepalive: method !== "GET" && !isForm && (body ?? "").length < MOST_KEPT_CHARS,
    });
    isReachable.set(true);
    return answer;
  } catch (error) {
    return lost(error, options);
  }
}

/** @param {unknown} error @param {Options} options @returns {never} */
function lost(error, { abort }) {
  if (abort?.aborted) throw error;
  isReachable.set(false);
  throw new Unreachable();
}

/** @param {number} seconds */
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

export { Problem, SignedOut, Unreachable };
