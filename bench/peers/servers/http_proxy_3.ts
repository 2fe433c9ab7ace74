/** http-proxy-3 with a keep-alive agent: `http_proxy_3.ts PORT UPSTREAM_PORT UPSTREAM_PORT`. */
import { Agent, createServer, ServerResponse } from 'node:http';
import { createProxyServer } from 'http-proxy-3';
import { addRequestHeaders, isRouted, portsFromCommandLine, refuse } from './request_work.ts';

const { port, upstreams } = portsFromCommandLine();
const agent = new Agent({ keepAlive: true, maxFreeSockets: 256 });
const targets = [`http://127.0.0.1:${upstreams[0]}`, `http://127.0.0.1:${upstreams[1]}`] as const;
const proxy = createProxyServer({ agent });
let turn = 0;

// It hands Connection through in both directions; each side is kept or closed by its own wish here.
proxy.on('proxyReq', (outgoing) => {
  outgoing.setHeader('connection', 'keep-alive');
});
proxy.on('proxyRes', (incoming) => {
  delete incoming.headers.connection;
});
proxy.on('error', (_error, _request, response) => {
  if (!(response instanceof ServerResponse) || response.headersSent) response.destroy();
  else response.writeHead(502).end();
});
const server = createServer((request, response) => {
  if (!isRouted(request)) {
    refuse(response);
    return;
  }
  addRequestHeaders(request.headers, request.socket.remoteAddress);
  turn ^= 1;
  proxy.web(request, response, { target: turn === 0 ? targets[0] : targets[1] });
});
server.keepAliveTimeout = 600_000;
server.listen(port, '127.0.0.1', 4096);
