// Modules that are loaded when they are needed, also after an outage.
import { client } from "./api.js";

const KEY = "dispatch.reloaded";
/** A page that does not help is not loaded again sooner. */
const RELOAD_MS = 60_000;

/**
 * What `load` imports. Some browsers remember a module that could not be loaded for as long as the page lives, and after a
 * release its name may be gone: when the server is there again and it still fails, the page is loaded anew, at its address.
 * Throws Unreachable and what the server says while it is away.
 * @template T
 * @param {() => Promise<T>} load
 * @param {AbortSignal} abort of the view that needs it: nothing is loaded anew for whoever has left that
 * @returns {Promise<T>}
 */
export async function loaded(load, abort) {
  try {
    return await load();
  } catch {
    await client(null).request("GET", location.pathname, { raw: true });
  }
  try {
    return await load();
  } catch (error) {
    if (abort.aborted || Date.now() - Number(sessionStorage.getItem(KEY)) < RELOAD_MS) throw error;
    sessionStorage.setItem(KEY, String(Date.now()));
    location.reload();
    return new Promise(() => {});
  }
}
