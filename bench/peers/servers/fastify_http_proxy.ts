/** @fastify/http-proxy on undici, its default: `fastify_http_proxy.ts PORT UPSTREAM_PORT UPSTREAM_PORT`. */
import httpProxy from '@fastify/http-proxy';
import { fastify } from 'fastify';
import { HOST, PREFIX } from '../../macro/scenarios.ts';
import { addRequestHeaders, portsFromCommandLine } from './request_work.ts';

const { port, upstreams } = portsFromCommandLine();
const targets = [`http://127.0.0.1:${upstreams[0]}`, `http://127.0.0.1:${upstreams[1]}`] as const;
let turn = 0;

const server = fastify({ logger: false, keepAliveTimeout: 600_000 });
await server.register(httpProxy, {
  upstream: '',
  prefix: PREFIX,
  rewritePrefix: PREFIX,
  constraints: { host: HOST },
  replyOptions: {
    getUpstream: () => {
      turn ^= 1;
      return turn === 0 ? targets[0] : targets[1];
    },
    rewriteRequestHeaders: (request, headers) => {
      const rewritten = { ...headers, host: HOST };
      addRequestHeaders(rewritten, request.socket.remoteAddress);
      return rewritten;
    },
    // It would hand the upstream's Connection to a client that has asked to close.
    rewriteHeaders: (headers) => {
      const rewritten = { ...headers };
      delete rewritten.connection;
      return rewritten;
    },
  },
});
await server.listen({ port, host: '127.0.0.1', backlog: 4096 });
