// fastify beside us: our own bytes from memory.   MODULES=.../node_modules node rest_peer.js PORT BODY
const body = require('fs').readFileSync(process.argv[3]);
const app = require(process.env.MODULES + '/fastify')();
app.get('/v1/services/catalog', (request, reply) => {
  reply.header('etag', '"x"').header('cache-control', 'public, max-age=60').type('application/json').send(body);
});
app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' }).then(() => console.log('ready'));
