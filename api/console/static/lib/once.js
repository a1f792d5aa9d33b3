// What is sent once, though it is pressed again: the first answer may have been lost on its way.
import { newKey } from "./api.js";
import { isRefusal } from "./problems.js";

/**
 * Does something once, however often it is pressed: while no answer settles it, the same contents go out under the same key.
 */
export function onceEach() {
  /** @type {{text: string, key: string} | null} */
  let held = null;
  return {
    forget: () => void (held = null),
    /** @template T @param {string} text what is sent @param {(key: string) => Promise<T>} send @returns {Promise<T>} */
    async once(text, send) {
      if (held?.text !== text) held = { text, key: newKey() };
      try {
        const answer = await send(held.key);
        held = null;
        return answer;
      } catch (error) {
        if (isRefusal(error)) held = null;
        throw error;
      }
    },
  };
}
