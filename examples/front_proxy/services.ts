/** The three upstream services of the demo: one that answers, one that takes its time, one that fails every third time. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';

const SLOW_MS = 800;

/** The ports that bootstrap.yaml sends to. */
export const SERVICE_PORTS = { greeting: 10001, slow: 10002, flaky: 10003 } as const;

function describe(request: IncomingMessage): string {
  const shown = ['host', 'x-request-id', 'x-forwarded-proto', 'x-envoy-expected-rq-timeout-ms'];
  const headers = shown.filter((name) => request.headers[name] !== undefined).map((name) => `  ${name}: ${String(request.headers[name])}`);
  return `${request.method} ${request.url}\n${headers.join('\n')}\n`;
}

function createServices(): Record<keyof typeof SERVICE_PORTS, RequestListener> {
  let flakyCount = 0;
  return {
    greeting: (request, response) => {
      response.setHeader('content-type', 'text/plain');
      response.end(`greeting service got ${describe(request)}`);
    },
    slow: (request, response) => {
      setTimeout(() => response.end(`slow service took ${SLOW_MS} ms for ${describe(request)}`), SLOW_MS);
    },
    flaky: (request, response) => {
      flakyCount++;
      if (flakyCount % 3 === 0) response.statusCode = 503;
      response.end(`flaky service, request ${flakyCount}: ${response.statusCode}\n`);
      request.resume();
    },
  };
}

/** Starts all three on 127.0.0.1. Rejects when a port is taken. */
export async function startServices(): Promise<Server[]> {
  const services = createServices();
  const names = Object.keys(SERVICE_PORTS) as (keyof typeof SERVICE_PORTS)[];
  return Promise.all(
    names.map(
      (name) =>
        new Promise<Server>((resolve, reject) => {
          const server = createServer(services[name]);
          server.once('error', reject);
          server.listen(SERVICE_PORTS[name], '127.0.0.1', () => resolve(server));
        }),
    ),
  );
}
