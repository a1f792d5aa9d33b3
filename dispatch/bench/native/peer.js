// The peer: socket.io with the same namespaces, sign-in, checks and frames, on Node, or on Bun with its own engine; positions
// go to Redis GEO. It filters nothing and keeps no durable history, so it does less.
//   node|bun peer.js PORT REDIS_SOCKET|-      (MODULES: node_modules)
const path = require('path');
const need = name => require(path.join(process.env.MODULES, name));
const { Server } = need('socket.io');
const io = new Server({ serveClient: false });
const number = (value, low, high) => typeof value === 'number' && value >= low && value <= high;
const optional = (value, low, high) => value === null || number(value, low, high);
const isFix = f => Array.isArray(f) && f.length === 6 && number(f[0], 0, 4.2e12) && number(f[1], -90, 90) &&
  number(f[2], -180, 180) && number(f[3], 0, 1e5) && optional(f[4], 0, 1000) && optional(f[5], 0, 360);
const metres = (a, b, c, d) => Math.hypot((d - b) * Math.cos((a + c) * Math.PI / 360), c - a) * 111195;
const named = kind => (socket, next) => typeof socket.handshake.auth.token === 'string' &&
  socket.handshake.auth.token.startsWith(kind) ? next() : next(new Error('unauthorised'));
const last = new Map();
let history = [];

async function main() {
  let redis = null;
  if (process.argv[3] !== '-') {
    redis = need('redis').createClient({ socket: { path: process.argv[3] } });
    redis.on('error', () => {});
    await redis.connect();
  }
  const technicians = io.of('/technician').use(named('t')), customers = io.of('/customer').use(named('c'));
  technicians.on('connection', socket => {
    const name = socket.handshake.auth.token, room = 'b' + name.slice(1);
    let tokens = 1e9, at = performance.now();
    socket.on('location.report', (report, acknowledge) => {
      const now = performance.now();
      tokens = Math.min(1e9, tokens + (now - at) * 1e6) - 1;
      at = now;
      const fixes = report && report.fixes;
      if (tokens < 0 || !Array.isArray(fixes) || !fixes.length || fixes.length > 50 || !fixes.every(isFix)) {
        if (acknowledge) acknowledge({ ok: false });
        return;
      }
      const fix = fixes[fixes.length - 1];
      if (redis) redis.sendCommand(['GEOADD', 'technicians', String(fix[2]), String(fix[1]), name]).catch(() => {});
      last.set(name, fix);
      for (const one of fixes) history.push(one);
      if (history.length > 20000) history = [];
      if (customers.adapter.rooms.has(room)) {
        const way = metres(fix[1], fix[2], 22.57, 88.36);
        customers.to(room).emit('technician.moved', {
          booking_id: room, lat: fix[1], lng: fix[2], at: new Date(fix[0]).toISOString(), accuracy_m: fix[3],
          heading_deg: fix[5], distance_m: Math.round(way), eta_s: Math.round(way / 6), eta_confidence: 0.9, fix_age_s: 0,
        });
      }
      if (acknowledge) acknowledge({ ok: true, data: { admitted: fixes.length, refreshed: 0, dropped: {} } });
    });
  });
  customers.on('connection', socket => {
    socket.on('track.start', (asked, acknowledge) => { socket.join(asked.booking_id); acknowledge({ ok: true, data: asked }); });
  });
  console.log('ready ' + await (typeof Bun === 'undefined' ? onNode : onBun)(+process.argv[2]));
}

function onNode(port) {
  const http = require('http').createServer((_, answer) => answer.writeHead(404).end());
  io.attach(http, { transports: ['websocket'], perMessageDeflate: false, serveClient: false, maxHttpBufferSize: 65536 });
  return new Promise(ready => http.listen({ port, host: '127.0.0.1', backlog: 4096 }, () => ready(http.address().port)));
}

function onBun(port) {
  const { Server: Engine } = need('@socket.io/bun-engine');
  const engine = new Engine({ path: '/socket.io/', pingInterval: 25000, pingTimeout: 20000, maxHttpBufferSize: 65536 });
  io.bind(engine);
  const { fetch, websocket } = engine.handler();
  const options = { hostname: '127.0.0.1', idleTimeout: 30, fetch, websocket: { ...websocket, perMessageDeflate: false } };
  return Bun.serve({ port, ...options }).port;
}

main();
