// The official client, unchanged: what an app of a technician does. Prints one JSON line with what it saw.
const [url, token, version] = process.argv.slice(2);
const { io } = await import(version);
const seen = { connects: 0, hot: null, wrong: null, accepted: null, facts: [], refused: null, reconnected: null };

const connected = (socket) =>
  new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    setTimeout(() => reject(new Error("no connection")), 10_000).unref();
  });

const socket = io(`${url}/technician`, {
  transports: ["websocket"],
  auth: { token },
  reconnectionDelay: 20,
  reconnectionDelayMax: 100,
});
socket.on("connect", () => seen.connects++);
socket.on("job.updated", (fact) => seen.facts.push(fact.n));
await connected(socket);

const now = Date.now();
const fix = [now, 12.97, 77.59, 8.0, 5.5, null];
const uuid = () => crypto.randomUUID();
// In words that the older ones have as well.
const ask = (event, payload) =>
  new Promise((resolve, reject) => {
    socket.emit(event, payload, resolve);
    setTimeout(() => reject(new Error("no acknowledgement")), 10_000).unref();
  });
seen.hot = await ask("location.report", { fixes: [fix, fix] });
seen.wrong = await ask("location.report", { fixes: [fix], extra: 1 });
seen.accepted = await ask("offer.accept", { command_id: uuid(), offer_id: uuid() });

while (seen.facts.length < 3) await new Promise((resolve) => socket.once("job.updated", resolve));

// The transport is cut here, as by a network that goes away: the client must come back by itself.
const again = connected(socket);
socket.io.engine.close();
await again;
seen.reconnected = await ask("location.report", { fixes: [fix] });

const bad = io(`${url}/technician`, { transports: ["websocket"], auth: { token: "bad" }, forceNew: true });
seen.refused = await new Promise((resolve) => bad.once("connect_error", (e) => resolve({ message: e.message, data: e.data })));
bad.close();
socket.close();
console.log(JSON.stringify(seen));
