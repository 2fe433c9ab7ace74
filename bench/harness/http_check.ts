import { type Agent, createServer, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { HOST, REQUEST_HEADERS, pathOf } from '../macro/scenarios.ts';

/** A whole response, read to its end. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** One request, on a connection of its own unless an agent is given. Rejects on any error and after timeoutMs. */
export function ask(
  port: number,
  path: string,
  options: { host?: string; agent?: Agent; timeoutMs?: number; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: options.body === undefined ? 'GET' : 'POST',
        agent: options.agent ?? false,
        headers: {
          ...Object.fromEntries(REQUEST_HEADERS),
          Host: options.host ?? HOST,
          ...(options.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(options.body) }),
        },
        signal: AbortSignal.timeout(options.timeoutMs ?? 5000),
      },
      (incoming) => {
        const pieces: Buffer[] = [];
        incoming.on('data', (piece: Buffer) => pieces.push(piece));
        incoming.on('error', reject);
        incoming.on('end', () => {
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(pieces) });
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}

/** Asks until the answer is 200; returns the milliseconds since startedNs (process.hrtime). Throws after timeoutMs. */
export async function waitFor200(
  port: number,
  path: string,
  options: { timeoutMs: number; everyMs: number; startedNs: bigint; isAlive: () => boolean },
): Promise<number> {
  let last = 'no answer';
  for (;;) {
    try {
      const answer = await ask(port, path, { timeoutMs: options.timeoutMs });
      if (answer.status === 200) return Number(process.hrtime.bigint() - options.startedNs) / 1e6;
      last = `status ${answer.status}`;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    if (!options.isAlive()) throw new Error('it ended before it was ready');
    if (Number(process.hrtime.bigint() - options.startedNs) / 1e6 > options.timeoutMs) throw new Error(`not ready: ${last}`);
    await delay(options.everyMs);
  }
}

/** A port nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port could be bound');
  return address.port;
}

/** Which parts of the common work a proxy is expected to do. */
export interface ExpectedWork {
  readonly isRouting: boolean;
  readonly isRewriting: boolean;
}

/**
 * What differs between the work asked for and the work done: bodies, routing by host and prefix, the three
 * request headers, both upstreams. Empty when all is well. These run before anything is measured.
 */
export async function faultsOfWork(port: number, expected: ExpectedWork): Promise<string[]> {
  const faults: string[] = [];
  for (const [name, size] of [['1k', 1024], ['64k', 65_536], ['1m', 1_048_576]] as const) {
    const answer = await ask(port, pathOf(name));
    if (answer.status !== 200) faults.push(`${name}: status ${answer.status}`);
    else if (!isAlphabet(answer.body, size)) faults.push(`${name}: wrong body (${answer.body.length} bytes)`);
    // Without it a load generator would go on using the connection, and churn would not be measured.
    else if (answer.headers.connection !== 'close') faults.push(`${name}: a request with Connection: close was not answered so`);
  }
  const posted = await ask(port, pathOf('post'), { body: 'a'.repeat(1024) });
  if (posted.status !== 200 || posted.body.length !== 64) faults.push(`post: status ${posted.status}, ${posted.body.length} bytes`);
  if (expected.isRouting) {
    for (const [path, host] of [[pathOf('1k'), 'other.example.com'], ['/elsewhere/1k', HOST]] as const) {
      const answer = await ask(port, path, { host });
      if (answer.status < 400) faults.push(`${host}${path} was not refused`);
    }
  }
  if (expected.isRewriting) {
    const head = (await ask(port, pathOf('echo'))).body.toString('latin1');
    for (const name of ['x-request-id', 'x-forwarded-for', 'x-forwarded-proto']) {
      if (!new RegExp(`^${name}: *\\S`, 'im').test(head)) faults.push(`the upstream request has no ${name}`);
    }
    if (/^connection: *keep-alive, *\S|^connection: *close/im.test(head)) faults.push('upstream connections are not kept');
  }
  return faults;
}

function isAlphabet(body: Buffer, size: number): boolean {
  if (body.length !== size) return false;
  for (let i = 0; i < size; i++) if (body[i] !== 97 + (i % 26)) return false;
  return true;
}
