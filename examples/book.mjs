// Books a job for a customer of yours and cancels it. Node 18 or later, nothing to install.
import { randomUUID } from "node:crypto";

const { DISPATCH_URL, CLIENT_ID, CLIENT_SECRET } = process.env;

async function call(method, path, body, headers = {}) {
  const answer = await fetch(DISPATCH_URL + path, {
    method,
    headers: { "Content-Type": "application/json", ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const said = await answer.json();
  if (!answer.ok) throw new Error(`${answer.status} ${said.error.code}: ${said.message}`);
  return said.data;
}

const pair = { "x-client-id": CLIENT_ID, "x-client-secret": CLIENT_SECRET };
const signed = await call("POST", "/api/partners/auth", undefined, pair);
const me = { Authorization: `Bearer ${signed.token}` };
const service = (await call("GET", "/v1/services/catalog?category=Facial", undefined, me)).all_services[0];
const asha = { name: "Asha Rao", phoneNumber: "+919876543210" };
const customer = await call("POST", `/api/partners/${signed.partnerId}/customers`, asha, me);

// From here on every call names the customer.
me["X-Customer-ID"] = customer.id;
const home = {
  name: "Home", address_line1: "12 Park Street", city: "Kolkata", state: "West Bengal", pincode: "700016",
  lat: 22.5726, lng: 88.3639,
};
const address = await call("POST", "/v1/users/addresses", home, me);
const cart = { service_ids: [service.id], address_id: address.id };
const preview = await call("POST", "/v1/checkout/prepare", cart, me);
const wish = {
  preview_id: preview.preview_id, payment_method: "cash", address_id: address.id,
  booking_date: preview.booking_date, booking_time: preview.available_time_slots[0],
  customer_name: "Asha Rao", customer_phone: "+919876543210", cancellation_policy_accepted: true,
};
// The same key once more is the same booking, whatever happened to the first answer.
const key = { "X-Idempotency-Key": randomUUID() };
const { booking } = await call("POST", "/v1/checkout/confirm", wish, { ...me, ...key });
console.log((await call("GET", `/v1/bookings/${booking.id}`, undefined, me)).booking_number);
console.log((await call("POST", `/v1/bookings/${booking.id}/cancel`, { reason: "Only a try" }, me)).status);
