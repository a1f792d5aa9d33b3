// The whole story as two apps live it, with the official client: a customer books, a technician accepts, drives and
// finishes, and both lose their connection on the way. Prints one JSON line with everything that was seen.
import { io } from "socket.io-client";

const { url, technician_token, customer_token, domain_ms, speed, place, date } = JSON.parse(process.argv[2]);
const LIMIT_MS = 15_000;
const STEP_MS = 200;
const METRES_PER_DEGREE = 111_195;
const SPEED_MPS = 20;
const began_ms = Date.now();
const now_ms = () => Math.round(domain_ms + (Date.now() - began_ms) * speed);
const uuid = () => crypto.randomUUID();
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function until(found, why) {
  for (const end = Date.now() + LIMIT_MS; Date.now() < end; await pause(10)) {
    const value = found();
    if (value) return value;
  }
  throw new Error(`${why} did not happen`);
}

async function call(token, method, path, body) {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const reply = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
  const answer = await reply.json();
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(answer)}`);
  return answer.data;
}

// A socket as an app keeps it: what it heard, in order, and what it says after it has come back.
function app(namespace, token) {
  const socket = io(url + namespace, {
    transports: ["websocket"], auth: { token }, forceNew: true, reconnectionDelay: 300, reconnectionDelayMax: 300,
  });
  const made = {
    socket, heard: [], connects: 0,
    ask: (event, payload) => socket.timeout(LIMIT_MS).emitWithAck(event, payload),
    find: (event, test = () => true) => made.heard.find(([name, data]) => name === event && test(data))?.[1],
    hears: (event, test) => until(() => made.find(event, test), `${namespace} ${event}`),
    cut: () => socket.io.engine.close(),
    back: (connects) => until(() => made.connects === connects && socket.connected, `${namespace} coming back`),
  };
  socket.on("connect", () => made.connects++);
  socket.onAny((event, data) => made.heard.push([event, data]));
  return made;
}

const technician = app("/technician", technician_token);
const customer = app("/customer", customer_token);
await technician.back(1);
await customer.back(1);
const seen = { answers: {} };

// The technician is online, a kilometre to the north.
seen.answers.online = await technician.ask("presence.set", { command_id: uuid(), online: true });
let away_m = 1100;
const report = () =>
  technician.ask("location.report", {
    fixes: [[now_ms(), place[0] + away_m / METRES_PER_DEGREE, place[1], 8, away_m ? SPEED_MPS : 0, away_m ? 180 : null]],
  });
seen.answers.report = await report();

// The customer books over REST, as their app does.
const catalogue = await call(customer_token, "GET", "/v1/services/catalog?category=Facial&tier=Minimal");
const address = await call(customer_token, "POST", "/v1/users/addresses", {
  name: "Home", address_line1: "123 Main St", city: "Kolkata", state: "West Bengal", pincode: "700032",
  lat: place[0], lng: place[1],
});
const prepared = await call(customer_token, "POST", "/v1/checkout/prepare", {
  service_ids: [catalogue.all_services[0].id], address_id: address.id, booking_date: date,
});
const { booking } = await call(customer_token, "POST", "/v1/checkout/confirm", {
  preview_id: prepared.preview_id, payment_method: "cash", address_id: address.id, booking_date: date,
  booking_time: prepared.available_time_slots[0], customer_name: "A customer", customer_phone: "+911234567890",
  cancellation_policy_accepted: true,
});
seen.booking = booking;

// One offer, one accept that is sent twice because the phone is not sure.
const offer = await technician.hears("offer.made", (o) => o.booking_id === booking.id);
seen.offer = offer;
const accept = { command_id: uuid(), offer_id: offer.offer_id };
seen.answers.accepted = await technician.ask("offer.accept", accept);
seen.answers.accepted_again = await technician.ask("offer.accept", accept);
seen.answers.accepted_otherwise = await technician.ask("offer.accept", { ...accept, offer_id: uuid() });
const news = (name) => customer.hears("booking.updated", (f) => f.booking_id === booking.id && f.event === name);
await news("booking.confirmed");
seen.answers.before = await customer.ask("track.start", { booking_id: booking.id });
seen.answers.stranger = await customer.ask("track.start", { booking_id: uuid() });

// The customer's line breaks; what happens meanwhile is heard after the resume, once and in order.
const last = customer.heard.filter(([name]) => name === "booking.updated").at(-1)[1];
customer.cut();
await until(() => !customer.socket.connected, "the cut");
const advance = (step) => technician.ask("job.advance", { command_id: uuid(), booking_id: booking.id, step });
seen.answers.in_transit = await advance("in_transit");
seen.missed_by_the_cut = customer.socket.connected === false;
await customer.back(2);
seen.answers.resumed = await customer.ask("resume", { epoch: last.epoch, streams: { [booking.id]: last.seq } });
await news("partner.in_transit");
seen.answers.tracked = await customer.ask("track.start", { booking_id: booking.id });

// The drive, and standing at the door until the server believes it.
let last_report = now_ms();
for (const end = Date.now() + LIMIT_MS; !customer.find("technician.arrived"); await pause(STEP_MS)) {
  if (Date.now() > end) throw new Error(`never arrived, ${away_m} m away`);
  const at = now_ms();
  away_m = Math.max(0, away_m - (SPEED_MPS * (at - last_report)) / 1000);
  last_report = at;
  await report();
}

// The technician's line breaks too.
const mine = Math.max(...technician.heard.filter(([, d]) => d.seq !== undefined).map(([, d]) => d.seq));
const { id: me } = await call(technician_token, "GET", "/v1/partner/auth/me");
technician.cut();
await technician.back(2);
seen.answers.technician_resumed = await technician.ask("resume", { epoch: last.epoch, streams: { [me]: mine } });
seen.answers.in_progress = await advance("in_progress");
seen.answers.completed = await advance("completed");
seen.answers.completed_again = await advance("completed");
await news("booking.completed");
await technician.hears("earnings.updated");
seen.answers.after = await customer.ask("track.start", { booking_id: booking.id });

seen.customer = customer.heard;
seen.technician = technician.heard;
seen.connects = [technician.connects, customer.connects];
technician.socket.close();
customer.socket.close();
console.log(JSON.stringify(seen));
