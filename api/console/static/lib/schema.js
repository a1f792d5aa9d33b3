// The models and lists of an API as its OpenAPI document has them: forms and filters are made from these.
import { words } from "./format.js";

/** @typedef {import("./api.js").Client} Client */
/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} label
 * @property {"text" | "long" | "number" | "boolean" | "choice" | "choices" | "texts" | "date" | "time" | "moment" | "email" | "object" | "rows" | "numbers"} kind
 * @property {boolean} isRequired
 * @property {boolean} isNullable
 * @property {string[]} choices
 * @property {number} [minimum]
 * @property {number} [maximum]
 * @property {number} [most] characters
 * @property {boolean} isWhole
 * @property {string} help
 * @property {any} [initial]
 * @property {Field[]} fields of an object, or of every row
 */

/** @type {Map<string, Promise<any>>} */
const documents = new Map();

/**
 * The document of an audience; asked for once.
 * @param {Client} api @param {"admin" | "technician" | "customer"} audience
 * @returns {Promise<Schema>}
 */
export function schemaOf(api, audience) {
  let made = documents.get(audience);
  if (!made) {
    made = api.request("GET", `/console/schema/${audience}.json`).then((found) => new Schema(found));
    made.catch(() => documents.delete(audience));
    documents.set(audience, made);
  }
  return made;
}

export class Schema {
  /** @param {{paths: any, schemas: any}} document */
  constructor(document) {
    this.document = document;
  }

  /** @param {any} node @returns {any} */
  resolve(node) {
    const name = node?.$ref?.split("/").pop();
    return name ? { ...this.document.schemas[name], ...(node.description ? { description: node.description } : {}) } : node;
  }

  /** The operation, or undefined. @param {string} method @param {string} path as in the document: /v1/admin/bookings/{id} */
  operation(method, path) {
    return this.document.paths[path]?.[method.toLowerCase()];
  }

  /** What an operation takes, such as "refunds:write"; empty where there is no such operation. @param {string} method @param {string} path */
  permissionOf(method, path) {
    return /** @type {string} */ (this.operation(method, path)?.["x-permission"] ?? "");
  }

  /** The fields of an operation's body. @param {string} method @param {string} path @returns {Field[]} */
  bodyOf(method, path) {
    const body = this.operation(method, path)?.requestBody?.content?.["application/json"]?.schema;
    return body ? this.fieldsOf(this.resolve(body)) : [];
  }

  /** What a list can be asked: its filters, its sorts, whether it searches. @param {string} path */
  listOf(path) {
    /** @type {any[]} */
    const parameters = this.operation("get", path)?.parameters ?? [];
    const own = new Set(["page", "limit", "cursor", "sort", "order", "search", "fields"]);
    const filters = parameters
      .filter((p) => p.in === "query" && !own.has(p.name))
      .map((p) => this.field(p.name, p.schema, false, p.description));
    const sorts = parameters.find((p) => p.name === "sort")?.schema?.items?.enum ?? [];
    return { filters, sorts: /** @type {string[]} */ (sorts), searches: parameters.some((p) => p.name === "search") };
  }

  /** @param {any} model @returns {Field[]} */
  fieldsOf(model) {
    const required = new Set(model.required ?? []);
    return Object.entries(model.properties ?? {}).map(([name, node]) => this.field(name, node, required.has(name)));
  }

  /** @param {string} name @param {any} given @param {boolean} isRequired @param {string} [help] @returns {Field} */
  field(name, given, isRequired, help) {
    let node = this.resolve(given);
    const variants = (node.anyOf ?? []).map((/** @type {any} */ one) => this.resolve(one));
    const isNullable = variants.some((/** @type {any} */ one) => one.type === "null");
    const real = variants.filter((/** @type {any} */ one) => one.type !== "null");
    if (real.length) node = { ...node, ...(real.find((/** @type {any} */ one) => one.enum) ?? real[0]) };
    const inner = node.type === "array" ? this.resolve(node.items ?? {}) : node;
    const choices = (inner.enum ?? (inner.const === undefined ? [] : [inner.const])).map(String);
    return {
      name,
      label: words(name),
      kind: kindOf(node, inner, choices),
      isRequired,
      isNullable,
      choices,
      minimum: node.minimum ?? node.exclusiveMinimum,
      maximum: node.maximum ?? node.exclusiveMaximum,
      most: node.maxLength,
      isWhole: node.type === "integer",
      // A box that is not ticked says what is without it.
      help: (help ?? node.description ?? "").replace(/ ?Without it: (true|false)\.$/, ""),
      initial: node.default,
      fields: inner.type === "object" && inner.properties ? this.fieldsOf(inner) : [],
    };
  }
}

/** @param {any} node @param {any} inner @param {string[]} choices @returns {Field["kind"]} */
function kindOf(node, inner, choices) {
  if (node.type === "array") return choices.length ? "choices" : inner.type === "object" ? (inner.properties ? "rows" : "object") : inner.type === "integer" ? "numbers" : "texts";
  if (choices.length) return "choice";
  if (node.type === "boolean") return "boolean";
  if (node.type === "integer" || node.type === "number") return "number";
  if (node.type === "object") return "object";
  if (node.format === "date") return "date";
  if (node.format === "time") return "time";
  if (node.format === "date-time") return "moment";
  if (node.format === "email") return "email";
  return (node.maxLength ?? 0) > 300 ? "long" : "text";
}
