// To the gateway's page and back.
import { boot } from "../lib/boot.js";
import { Problem } from "../lib/problems.js";

/**
 * Leaves for the page where the booking's order is paid; it comes back to the booking.
 * @param {import("../lib/api.js").Client} api @param {string} bookingId
 */
export async function openCheckout(api, bookingId) {
  const order = await api.post("/v1/payments/create-order", { booking_id: bookingId });
  if (!leaveToPay(order, bookingId)) throw new Problem(503, "no_page", "This browser page cannot take online payments here: pay in the app, or in cash at the door.");
}

/**
 * Whether there is a page to leave for.
 * @param {{order_id?: string, razorpay_order_id?: string}} order @param {string} bookingId
 */
export function leaveToPay(order, bookingId) {
  const id = order.order_id ?? order.razorpay_order_id;
  if (!boot.checkout_url || !id) return false;
  const back = `${location.origin}/bookings/${bookingId}`;
  location.assign(`${boot.checkout_url}/${encodeURIComponent(id)}?callback_url=${encodeURIComponent(back)}`);
  return true;
}
