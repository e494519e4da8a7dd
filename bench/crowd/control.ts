/*
 * The control of the refusals: Node's own HTTP server, which knows one answer. Prints one line, `{"port":…}`, once it serves;
 * ends with its stdin.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const body = 'Come again later.\n';
const server = createServer((_request, response) => {
  response.writeHead(503, { 'Retry-After': '5', 'Content-Type': 'text/plain', 'Content-Length': body.length });
  response.end(body);
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 });
await once(server, 'listening');
console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
process.stdin.resume();
await once(process.stdin, 'end');
process.exit(0);
