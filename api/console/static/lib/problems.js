// What can go wrong between a page and the server, as sentences for people.

/** The server answered with a refusal. */
export class Problem extends Error {
  /**
   * @param {number} status @param {string} code @param {string} message
   * @param {Record<string, string[]>} [fields] of an invalid body, by the field's name
   * @param {Record<string, any>} [details]
   * @param {number | null} [retry_after_s]
   */
  constructor(status, code, message, fields = {}, details = {}, retry_after_s = null) {
    super(message);
    this.name = "Problem";
    this.status = status;
    this.code = code.toLowerCase();
    this.fields = fields;
    this.details = details;
    this.retry_after_s = retry_after_s;
  }
}

/** The server could not be asked, or did not answer. */
export class Unreachable extends Error {
  constructor() {
    super("The server cannot be reached just now.");
    this.name = "Unreachable";
  }
}

/** Nobody is signed in, or no longer. */
export class SignedOut extends Error {
  constructor() {
    super("You are signed out.");
    this.name = "SignedOut";
  }
}

/** @type {Record<number, string>} */
const WORDS = {
  403: "You may not do this.",
  404: "This does not exist, or no longer.",
  413: "That is too much at once.",
  429: "That was too often; wait a moment.",
  503: "The server is busy; try again in a moment.",
};

/**
 * What an answer says that is no success.
 * @param {Response} answer
 */
export async function problemOf(answer) {
  const wait_s = Number(answer.headers.get("Retry-After")) || null;
  const otherwise = WORDS[answer.status] ?? "That did not work; please try again.";
  /** @type {any} */
  let body;
  try {
    body = await answer.json();
  } catch {
    return new Problem(answer.status, "unknown", otherwise, {}, {}, wait_s);
  }
  const error = body?.error ?? {};
  const details = error.details ?? body?.details ?? {};
  return new Problem(answer.status, error.code ?? body?.code ?? "unknown", body?.message ?? error.message ?? otherwise, fieldsOf(details), details, wait_s);
}

/** @param {any} details @returns {Record<string, string[]>} */
export function fieldsOf(details) {
  /** @type {Record<string, string[]>} */
  const found = {};
  for (const [name, said] of Object.entries(details?.fields ?? details ?? {})) {
    if (Array.isArray(said) && said.every((one) => typeof one === "string")) found[name] = said;
    else if (typeof said === "string" && details?.fields) found[name] = [said];
  }
  return found;
}

/**
 * Whether this settles it: the server will not have done it. After anything else nobody knows, and what must happen once
 * is sent again under the same key.
 * @param {unknown} error @returns {error is Problem}
 */
export const isRefusal = (error) => error instanceof Problem && error.status < 500 && error.code !== "request_in_progress";

/** Whether it may work in a moment: nobody answered, or the server could not. @param {unknown} error @returns {error is Problem | Unreachable} */
export const isPassing = (error) => error instanceof Unreachable || (error instanceof Problem && error.status >= 500);

/** Whatever was thrown, as a sentence. @param {unknown} error */
export const sentenceOf = (error) =>
  error instanceof Problem || error instanceof Unreachable || error instanceof SignedOut ? error.message : "Something went wrong on this page; reload it.";
