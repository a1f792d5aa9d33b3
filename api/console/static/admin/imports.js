// Many at once from a file, with what became of every row.
import { h, said } from "../lib/dom.js";
import { chip } from "../lib/chips.js";
import { signal } from "../lib/state.js";
import { number, words } from "../lib/format.js";
import { query } from "../lib/address.js";
import { fieldsOf, sentenceOf } from "../lib/problems.js";
import { noPermission } from "../lib/view.js";
import { plainTable } from "./kit.js";
import { mayDo } from "./rights.js";

/** @typedef {import("./kit.js").Office} Office */

/** @type {[string, string, string, string, string][]} name, title, operation, what the file is, what stands in it */
const KINDS = [
  ["services", "Services", "/v1/admin/services/import", ".csv", "CSV with these columns, in any order: id, name*, category*, service_type*, tier*, product_cost*, market_price, currency, duration_minutes, description, image_url, is_active. A line with an id changes that service and needs nothing else."],
  ["technicians", "Technicians", "/v1/admin/partners/import", ".csv", "CSV with these columns, in any order: name*, phone_number*, email, address, service_categories*, service_tiers*, start*, end*, days*, service_radius_km, base_lat, base_lng, zone_id, aadhar_number, pan_number, bank_account_number, ifsc_code, bank_name, account_holder_name. Days are 1 (Monday) to 7, as 1-5 or 1;2;3."],
  ["zones", "Zones", "/v1/admin/zones/import", ".geojson,.json", "GeoJSON: a feature for each zone. A zone of the same code is drawn anew; what the file does not say of it stays."],
];

/** @param {Office} office */
export function show(office) {
  const kinds = KINDS.filter(([, , path]) => mayDo(office, "POST", path));
  if (!kinds.length) return noPermission();
  const wanted = query().get("into");
  const kind = signal(kinds.find(([name]) => name === wanted) ?? /** @type {typeof KINDS[0]} */ (kinds[0]));
  const answer = signal(/** @type {any} */ (null));
  const problem = signal("");
  const isBusy = signal(false);
  /** @param {SubmitEvent} event */
  const send = async (event) => {
    event.preventDefault();
    const body = new FormData();
    body.set("file", /** @type {File} */ (new FormData(/** @type {HTMLFormElement} */ (event.target)).get("file")));
    problem.set("");
    answer.set(null);
    isBusy.set(true);
    try {
      answer.set((await office.api.request("POST", kind.peek()[2], { body })).data);
    } catch (error) {
      problem.set(sentenceOf(error));
    } finally {
      isBusy.set(false);
    }
  };
  return [
    h("h1", null, "Imports"),
    h("div", { class: "card narrow" }, h("form", { class: "form", onsubmit: send },
      h("div", { class: "segments", role: "group", "aria-label": "What is imported" }, kinds.map((one) => h("button", { type: "button", disabled: isBusy, "aria-pressed": () => String(kind() === one), onclick: () => (kind.set(one), answer.set(null)) }, one[1]))),
      h("div", { class: "field" }, h("label", { for: "import-file" }, "File"), h("input", { type: "file", id: "import-file", name: "file", required: true, accept: () => kind()[3] }),
        h("p", { class: "help" }, () => kind()[4])),
      () => problem() && h("p", { class: "problem", role: "alert" }, problem()),
      h("div", { class: "actions" }, h("button", { class: "primary", disabled: isBusy }, "Import")),
    )),
    () => answer() && h("section", { class: "part", role: "status" }, outcome(answer())),
  ];
}

/** @param {any} found */
function outcome(found) {
  if (!found.results) return h("div", { class: "card stack" }, ["created", "updated", "skipped", "warnings"].filter((name) => found[name].length).map((name) => h("div", null, h("h2", null, `${words(name)}: ${number(found[name].length)}`), h("p", null, said(found[name].join(", "))))));
  return [
    h("h2", null, `${number(found.succeeded)} taken over, ${number(found.failed)} not`),
    h("div", { class: "list" }, plainTable([
      { label: "Row", cell: (r) => number(r.row), isNumber: true },
      { label: "", cell: (r) => (r.ok ? chip("completed", { label: r.status ? words(r.status) : "Done" }) : chip("failed", { label: "Not taken" })) },
      { label: "Why", cell: (r) => (r.error ? [said(r.error.message), Object.entries(fieldsOf(r.error.details)).map(([name, texts]) => h("p", { class: "problem" }, `${words(name)}: ${texts.join(" ")}`))] : said(null)) },
    ], found.results)),
  ];
}
