// Booking a visit: where, what, when, and how it is paid. What was chosen survives a reload; nothing is booked twice.
import { openPage } from "../lib/shell.js";
import { computed, effect, listen, onEnd, signal } from "../lib/state.js";
import { h } from "../lib/dom.js";
import { isReachable, Problem } from "../lib/api.js";
import { toast } from "../lib/toast.js";
import { isRefusal } from "../lib/problems.js";
import { soonAgain } from "../lib/view.js";
import { draft } from "../people/common.js";
import { leaveToPay } from "../people/pay.js";
import { byPhone } from "../people/sign-in.js";
import { places } from "./places.js";
import { services } from "./services.js";
import { payment, prices } from "./payment.js";
import { times } from "./times.js";

/** @typedef {import("../lib/api.js").Client} Client */
/**
 * @typedef {object} Wish what was chosen; it is kept in the browser until it is booked
 * @property {string | null} address_id
 * @property {Record<string, number>} items service to quantity
 * @property {string | null} day
 * @property {string | null} time
 * @property {string} promo
 * @property {"cash" | "online"} method
 * @property {boolean} use_wallet
 * @property {string} name
 * @property {string} phone
 * @property {{key: string, body: any} | null} pending a booking that was sent and not answered
 */
/** @typedef {ReturnType<typeof openDesk>} Desk */

const TYPING_MS = 250;

/** Everything that the parts of the page share. @param {Client} api @param {any} me */
function openDesk(api, me) {
  const kept = draft(`book.${me.id}`);
  /** @type {Wish} */
  const first = { address_id: null, items: {}, day: null, time: null, promo: "", method: "cash", use_wallet: false, name: me.name ?? "", phone: me.phone_number ?? "", pending: null, ...kept.read() };
  const wish = signal(first);
  const preview = signal(/** @type {any} */ (null));
  const trouble = signal(/** @type {unknown} */ (null));
  const isPricing = signal(false);
  const place = signal(/** @type {any} */ (null));
  /** @param {Partial<Wish>} change */
  const choose = (change) => wish.update((before) => ({ ...before, ...change }));
  effect(() => kept.keep(wish()));
  const asked = computed(() => {
    const w = wish();
    const items = Object.entries(w.items).filter(([, n]) => n > 0).map(([service_id, quantity]) => ({ service_id, quantity }));
    return JSON.stringify({ items, address_id: w.address_id, booking_date: w.day, booking_time: w.time, promo_code: w.promo || null });
  });
  const turn = signal(0);
  /** @type {AbortController | null} */
  let asking = null;
  let timer = 0;
  effect(() => {
    const text = asked();
    turn();
    // What is answered to an earlier choice says nothing of this one.
    asking?.abort();
    clearTimeout(timer);
    timer = setTimeout(() => void price(JSON.parse(text)), TYPING_MS);
  });

  /** @param {any} body */
  async function price(body) {
    if (!body.items.length) return isPricing.set(false), preview.set(null), trouble.set(null);
    asking = new AbortController();
    const { signal: abort } = asking;
    isPricing.set(true);
    try {
      if (!body.address_id || !body.booking_date) body = { ...body, booking_date: null, booking_time: null };
      const { data } = await api.request("POST", "/v1/checkout/prepare", { body, abort });
      if (abort.aborted) return;
      preview.set(data);
      trouble.set(null);
    } catch (error) {
      if (abort.aborted) return;
      if (error instanceof Problem && error.code === "slot_taken") {
        toast("This time was just taken; choose another one.", { isBad: true });
        choose({ time: null });
      } else {
        preview.set(null);
        trouble.set(error);
      }
    } finally {
      if (!abort.aborted) isPricing.set(false);
    }
  }

  return { api, me, wish, choose, preview, trouble, isPricing, place, forget: kept.forget, again: () => turn.update((n) => n + 1) };
}

openPage({
  kind: "customer",
  signIn: byPhone,
  title: "Book",
  bar: () => h("nav", { class: "sections", "aria-label": "Pages" }, h("a", { href: "/book", "aria-current": "page" }, "Book"), h("a", { href: "/bookings" }, "My bookings")),
  show: ({ api, me }) => {
    const desk = openDesk(api, me);
    const order = openOrder(desk);
    // Back from the payment page this one may be as it was left, of a booking that is made.
    listen(window, "pageshow", (event) => event.persisted && location.reload());
    return h("main", { class: "page", id: "main", tabindex: "-1" }, () => order.state() === "sending"
      ? h("div", { class: "state", role: "status" }, h("p", { class: "state-title" }, "Finishing your booking"), h("span", { class: "bar" }))
      : order.state() === "unsure" ? unsure(order)
      : h("div", { class: "desk" },
        h("div", { class: "stack" }, h("h1", null, "Book a visit"), places(desk), services(desk), times(desk), payment(desk)),
        h("aside", { class: "summary" }, prices(desk, order.confirm))));
  },
});

/** @param {ReturnType<typeof openOrder>} order */
const unsure = (order) => h("div", { class: "state", role: "alert" }, h("p", { class: "state-title" }, "Your booking was sent, and no answer came"),
  h("p", null, "It may have been made. This page asks again by itself until it knows, and that does not book twice."),
  h("p", { role: "status" }, () => order.isAsking() ? "Asking now" : isReachable() ? "Asking again in a moment" : "No connection just now"),
  h("button", { type: "button", disabled: order.isAsking, onclick: order.ask }, "Ask now"));

/**
 * What is sent when it is booked: the same one, however often, until the server has said what became of it.
 * @param {Desk} desk
 */
function openOrder(desk) {
  const state = signal(desk.wish.peek().pending ? "sending" : "");
  const isAsking = signal(false);
  let tries = 0;
  let ask = () => {};
  let isOver = false;
  onEnd(() => (isOver = true));

  async function confirm() {
    const [w, preview] = [desk.wish.peek(), desk.preview.peek()];
    const body = {
      preview_id: preview.preview_id, payment_method: w.method, address_id: w.address_id, booking_date: w.day, booking_time: w.time,
      customer_name: w.name.trim(), customer_phone: w.phone.trim(), cancellation_policy_accepted: true, use_wallet: w.use_wallet,
    };
    // A preview becomes one booking: its id is the key, in this tab and after a reload.
    desk.choose({ pending: { key: preview.preview_id, body } });
    const error = await send();
    if (error) throw error;
  }

  /** Gives what the server refused it for. @returns {Promise<unknown>} */
  async function send() {
    const { pending } = desk.wish.peek();
    if (isOver || isAsking.peek() || !pending) return null;
    isAsking.set(true);
    try {
      const { data } = await desk.api.request("POST", "/v1/checkout/confirm", pending);
      desk.forget();
      if (!data.payment || !leaveToPay(data.payment, data.booking.id)) location.assign(`/bookings/${data.booking.id}`);
      return null;
    } catch (error) {
      // That it was asked too often says nothing of the time before.
      if (isRefusal(error) && !(state.peek() && error.status === 429)) {
        tries = 0;
        // Another one may have been chosen since.
        const { day, time } = desk.wish.peek();
        const isTaken = error.code === "slot_taken" && day === pending.body.booking_date && time === pending.body.booking_time;
        desk.choose({ pending: null, time: isTaken ? null : time });
        desk.again();
        toast(error.message, { isBad: true });
        state.set("");
        return error;
      }
      // Without an answer nobody knows: it is kept, and sent again under the same key.
      state.set("unsure");
      if (!isOver) ask = soonAgain(() => void send(), ++tries, error);
      return null;
    } finally {
      isAsking.set(false);
    }
  }

  if (state.peek()) void send();
  return { state, isAsking, confirm, ask: () => ask() };
}
