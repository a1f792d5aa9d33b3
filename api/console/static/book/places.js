// Where: the customer's addresses, and a new one with its place on the map.
import { onEnd, signal } from "../lib/state.js";
import { h, said } from "../lib/dom.js";
import { Problem } from "../lib/api.js";
import { view } from "../lib/view.js";
import { canvasLayer, graticule, openMap } from "../lib/map.js";
import { onceEach } from "../lib/once.js";
import { toast } from "../lib/toast.js";
import { addressLines } from "../people/common.js";
import { deed } from "../people/deeds.js";
import { drawDoor } from "../people/followmap.js";
import { whereAmI } from "../people/positions.js";

/** @typedef {import("./page.js").Desk} Desk */

/** Where a map begins that knows nothing better. */
const FIRST = { lat: 22.5726, lng: 88.3639, zoom: 12 };
const FIELDS = /** @type {[string, string, number, string][]} */ ([
  ["name", "Name of the place", 100, "off"], ["address_line1", "House and street", 255, "address-line1"], ["address_line2", "Floor, landmark (optional)", 255, "address-line2"],
  ["city", "City", 100, "address-level2"], ["state", "State", 100, "address-level1"], ["pincode", "Postal code", 10, "postal-code"],
]);

/** @param {Desk} desk */
export function places(desk) {
  const isAdding = signal(false);
  const hasSome = signal(false);
  const [body, load] = view((abort) => desk.api.get("/v1/users/addresses", {}, abort), (found) => {
    const chosen = found.find((/** @type {any} */ a) => a.id === desk.wish.peek().address_id) ?? found[0] ?? null;
    desk.place.set(chosen);
    if (chosen?.id !== desk.wish.peek().address_id) desk.choose({ address_id: chosen?.id ?? null });
    hasSome.set(found.length > 0);
    // Never shut by an answer: somebody quick is typing by now.
    if (!found.length) isAdding.set(true);
    return h("div", { class: "cards" }, found.map((/** @type {any} */ a) => h("label", { class: "choice" },
      h("input", { type: "radio", name: "address", checked: () => desk.wish().address_id === a.id, onchange: () => (desk.place.set(a), desk.choose({ address_id: a.id, time: null })) }),
      h("span", { class: "tile" }, h("strong", null, said(a.name)), addressLines(a), a.lat === null ? h("span", { class: "chip warn" }, "Not on the map") : a.is_approximate && h("span", { class: "chip plain" }, "About here")))));
  }, { isLasting: true });
  return h("section", { class: "card stack" }, h("h2", null, "Where"), body,
    () => isAdding() ? newPlace(desk, (made, isLeft) => (isLeft || (desk.choose({ address_id: made.id, time: null }), isAdding.set(false)), load()), () => isAdding.set(false), hasSome)
      : h("div", { class: "actions" }, h("button", { type: "button", onclick: () => isAdding.set(true) }, "Another address")));
}

/** @param {Desk} desk @param {(made: any, isLeft: boolean) => void} done @param {() => void} cancel @param {() => boolean} canCancel */
function newPlace(desk, done, cancel, canCancel) {
  // Whoever left may have chosen another place by then.
  let isLeft = false;
  onEnd(() => (isLeft = true));
  const pin = signal(/** @type {{lat: number, lng: number} | null} */ (null));
  const problems = signal(/** @type {Record<string, string[]>} */ ({}));
  const inputs = Object.fromEntries(FIELDS.map(([name, , maxlength, autocomplete]) => [name, h("input", { id: `place-${name}`, name, maxlength, autocomplete, value: name === "name" ? "Home" : "" })]));
  const place = h("div", { class: "map", role: "application", "aria-label": "Map: tap where the door is, or move it with the arrow keys and press Enter" });
  const map = openMap(place, desk.place.peek()?.lat ? { lat: desk.place.peek().lat, lng: desk.place.peek().lng, zoom: 13 } : FIRST);
  graticule(map);
  const layer = canvasLayer(map, (c, at) => {
    const here = pin();
    if (here) drawDoor(c, at.x(here.lng), at.y(here.lat));
  });
  /** @param {{lat: number, lng: number}} at */
  const set = (at) => (pin.set({ lat: Math.round(at.lat * 1e6) / 1e6, lng: Math.round((((at.lng + 540) % 360) - 180) * 1e6) / 1e6 }), layer.redraw());
  map.on("click", (/** @type {any} */ e) => set(e.latlng));
  // By keyboard the map is moved under the door.
  place.addEventListener("keydown", (event) => event.target === place && event.key === "Enter" && (event.preventDefault(), set(map.getCenter())));
  const { once } = onceEach();
  const save = async () => {
    problems.set({});
    const body = { ...Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value.trim() || null])), ...(pin.peek() ?? {}) };
    try {
      done(await once(JSON.stringify(body), (key) => desk.api.post("/v1/users/addresses", body, key)), isLeft);
    } catch (error) {
      if (error instanceof Problem) problems.set(error.fields);
      throw error;
    }
  };
  return h("div", { class: "stack new-place" },
    h("div", { class: "halves" },
      h("div", { class: "form" }, FIELDS.map(([name, label]) => h("div", { class: "field" }, h("label", { for: `place-${name}` }, label), inputs[name], () => (problems()[name] ?? []).map((text) => h("p", { class: "problem" }, text))))),
      h("div", { class: "stack tight" },
        h("p", { class: "faint" }, () => pin() ? "Tap again to move the door." : "Tap on the map where the door is, or move the map with the arrow keys and press Enter: the technician is led there."),
        h("div", { class: "map-frame" }, place),
        deed("Where I am now", async () => {
          const before = pin.peek();
          const { coords } = await whereAmI().catch((error) => (toast(error.message, { isBad: true }), { coords: null }));
          // A door that was shown meanwhile is not moved.
          if (!coords || pin.peek() !== before) return;
          map.setView([coords.latitude, coords.longitude], 16, { animate: false });
          set({ lat: coords.latitude, lng: coords.longitude });
        }))),
    h("div", { class: "actions" }, deed("Save this address", save, { class: "primary" }), () => canCancel() && h("button", { type: "button", onclick: cancel }, "Not now")));
}
