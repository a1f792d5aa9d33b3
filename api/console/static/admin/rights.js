// Who may do what, from the API's own description.

/** @typedef {import("./kit.js").Office} Office */

/**
 * Whether the caller may use an operation; one that names no permission is for everybody who is signed in.
 * @param {Office} office @param {string} method @param {string} path
 */
export function mayDo(office, method, path) {
  const needed = office.schema.permissionOf(method, path);
  return Boolean(office.schema.operation(method, path)) && (!needed || office.can(needed));
}
