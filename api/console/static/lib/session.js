// Who is signed in. The pair of tokens lies in the browser's store, never in an address; all tabs share it, and only
// one of them at a time trades the refresh token in, because it is used up by that.
import { isReachable, newKey } from "./api.js";
import { computed, signal } from "./state.js";
import { problemOf, Unreachable } from "./problems.js";

/** @typedef {"admin" | "technician" | "customer"} Kind */
/** @typedef {{access_token: string, refresh_token: string, expires_in: number, got_ms: number, name?: string, sign_in?: string}} Pair */
/** @typedef {ReturnType<typeof openSession>} Session */

/** @type {Record<Kind, {refresh: string, logout: string}>} */
const PLACES = {
  admin: { refresh: "/v1/admin/auth/refresh-token", logout: "/v1/admin/auth/logout" },
  technician: { refresh: "/v1/partner/auth/refresh-token", logout: "/v1/partner/auth/logout" },
  customer: { refresh: "/v1/auth/refresh-token", logout: "/v1/auth/logout" },
};
/** A token is traded in when so much of its life is over. */
const FRESH_SHARE = 0.8;
const LEASE_MS = 15_000;

/**
 * The session of one kind of people in this browser.
 * @param {Kind} kind
 */
export function openSession(kind) {
  const key = `dispatch.session.${kind}`;
  const pair = signal(read(key));
  /** Which sign-in it is, also when its pair was renewed. */
  const signIn = computed(() => pair() && (pair()?.sign_in ?? ""));
  const endedKey = `${key}.ended`;
  /** Why somebody who was signed in no longer is; null where nobody was, or they left themselves. @type {string | null} */
  let ending = null;
  const saidElsewhere = () => localStorage.getItem(endedKey) ?? "";
  addEventListener("storage", (event) => {
    if (event.key !== key && event.key !== null) return;
    ending = pair.peek() ? saidElsewhere() : null;
    pair.set(read(key));
  });

  /** @param {Pair | null} next @param {string | null} [why] it ends, for the other tabs */
  function keep(next, why) {
    if (why) localStorage.setItem(endedKey, why);
    else localStorage.removeItem(endedKey);
    if (next) localStorage.setItem(key, JSON.stringify(next));
    else localStorage.removeItem(key);
    pair.set(next);
  }

  /**
   * A new pair, unless another tab has one already. Ends the session when the server refuses it; throws Unreachable
   * when it could not be asked.
   * @param {string} stale the access token that did not do
   * @returns {Promise<string | null>}
   */
  async function renew(stale) {
    return alone(key, async () => {
      const held = read(key);
      if (!held) return (ending = saidElsewhere()), keep(null), null;
      if (held.access_token !== stale) return pair.set(held), held.access_token;
      const answer = await ask(PLACES[kind].refresh, { refresh_token: held.refresh_token });
      if (answer.status === 401 || answer.status === 403) {
        const { code, message, details } = await problemOf(answer);
        // Of a token that is over people need not hear.
        ending = code === "unauthorized" ? details.reason ?? "" : message;
        return keep(null, ending), null;
      }
      if (!answer.ok) throw await problemOf(answer);
      const { data } = await answer.json();
      keep({ ...held, ...data, got_ms: Date.now() });
      return data.access_token;
    });
  }

  /** The token to send with a request now; null when nobody is signed in. @returns {Promise<string | null>} */
  async function token() {
    const held = pair.peek();
    if (!held) return null;
    const age_s = (Date.now() - held.got_ms) / 1000;
    if (age_s < 0 || age_s > held.expires_in * FRESH_SHARE) {
      // It may be good for a while yet: what could not be renewed now is tried as it is.
      return renew(held.access_token).catch(() => held.access_token);
    }
    return held.access_token;
  }

  async function end() {
    const held = pair.peek();
    ending = null;
    keep(null, "signed_out");
    if (held) await ask(PLACES[kind].logout, {}, held.access_token).catch(() => null);
  }

  return {
    kind,
    /** Whether somebody is; a signal, also of another's sign-in. */
    isOpen: () => (signIn(), pair.peek() !== null),
    name: () => pair()?.name ?? "",
    /** The server's reason (its code, or what it said, or nothing) where the session was ended; else null. */
    ending: () => ending,
    /** @param {{access_token: string, refresh_token: string, expires_in: number}} got @param {string} [name] */
    begin: (got, name) => {
      ending = null;
      keep({ access_token: got.access_token, refresh_token: got.refresh_token, expires_in: got.expires_in, got_ms: Date.now(), sign_in: newKey(), ...(name ? { name } : {}) });
    },
    token,
    renew,
    end,
    forget: () => keep(null),
  };
}

/** @param {string} key @returns {Pair | null} */
function read(key) {
  try {
    const held = JSON.parse(localStorage.getItem(key) ?? "null");
    return held?.access_token && held?.refresh_token ? held : null;
  } catch {
    return null;
  }
}

/** @param {string} path @param {object} body @param {string} [token] */
async function ask(path, body, token) {
  /** @type {Record<string, string>} */
  const headers = { "Content-Type": "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  try {
    return await fetch(path, { method: "POST", headers, body: JSON.stringify(body), credentials: "omit", signal: AbortSignal.timeout(LEASE_MS) });
  } catch {
    isReachable.set(false);
    throw new Unreachable();
  }
}

/**
 * One tab at a time. Where the browser has no locks (a page without TLS on a phone), a lease in the store does.
 * @template T
 * @param {string} name @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function alone(name, work) {
  if (navigator.locks) return navigator.locks.request(name, work);
  const key = `${name}.lease`;
  const mine = `${Math.random()}`;
  for (;;) {
    const [, until] = (localStorage.getItem(key) ?? " 0").split(" ");
    if (Number(until) < Date.now()) {
      localStorage.setItem(key, `${mine} ${Date.now() + LEASE_MS}`);
      await new Promise((done) => setTimeout(done, 30));
      if (localStorage.getItem(key)?.startsWith(mine)) break;
    }
    await new Promise((done) => setTimeout(done, 60));
  }
  try {
    return await work();
  } finally {
    localStorage.removeItem(key);
  }
}

