/** The proxy one writes by hand on node:http: `node_http.ts PORT UPSTREAM_PORT UPSTREAM_PORT`. */
import { Agent, createServer, request as startRequest } from 'node:http';
import { addRequestHeaders, isRouted, portsFromCommandLine, refuse } from './request_work.ts';

const { port, upstreams } = portsFromCommandLine();
const agent = new Agent({ keepAlive: true, maxFreeSockets: 256 });
let turn = 0;

const server = createServer((request, response) => {
  if (!isRouted(request)) {
    refuse(response);
    return;
  }
  const headers = { ...request.headers };
  delete headers.connection;
  addRequestHeaders(headers, request.socket.remoteAddress);
  turn ^= 1;
  const upstreamPort = turn === 0 ? upstreams[0] : upstreams[1];
  const options = { host: '127.0.0.1', port: upstreamPort, path: request.url, method: request.method, headers, agent };
  const outgoing = startRequest(options, (incoming) => {
    const answerHeaders = { ...incoming.headers };
    delete answerHeaders.connection;
    delete answerHeaders['keep-alive'];
    response.writeHead(incoming.statusCode ?? 502, answerHeaders);
    incoming.pipe(response);
  });
  outgoing.on('error', () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  });
  response.on('close', () => {
    if (!response.writableFinished) outgoing.destroy();
  });
  if (request.method === 'GET') outgoing.end();
  else request.pipe(outgoing);
});
server.keepAliveTimeout = 600_000;
server.listen(port, '127.0.0.1', 4096);
