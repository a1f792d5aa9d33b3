// The rules of the house that can be changed while it runs.
import { h } from "../lib/dom.js";
import { view } from "../lib/view.js";
import { toast, told } from "../lib/toast.js";
import { words } from "../lib/format.js";
import { factsOf, formOf } from "./kit.js";
import { mayDo } from "./rights.js";

/** @typedef {import("./kit.js").Office} Office */

const PATH = "/v1/admin/settings";

/** @param {Office} office */
export function show(office) {
  const [place, again, quietly] = view((abort) => office.api.get(PATH, {}, abort), (settings) => {
    if (!mayDo(office, "PUT", PATH)) return h("div", { class: "card" }, factsOf(Object.entries(settings).map(([name, value]) => [words(name), String(value)])));
    return h("div", { class: "card narrow" }, formOf(office, "PUT", PATH, {
      isPatch: true, value: settings,
      submit: async (changed) => {
        if (!Object.keys(changed).length) return void toast("Nothing was changed.");
        await office.api.put(PATH, changed);
        const before = Object.fromEntries(Object.keys(changed).map((name) => [name, settings[name]]));
        toast("Saved: it holds from now on.", { undo: () => office.api.put(PATH, before).then(quietly, told) });
      },
      done: () => again(),
    }));
  });
  return [h("h1", null, "Settings"), place];
}
