/**
 * The origin where no C compiler is installed: same paths and answers as origin.c, on node:http, printing
 * the same "ready PORT PORT" line. `origin_fallback.ts PORT [PORT...]`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

const SIZES: Readonly<Record<string, number>> = { '1k': 1024, '64k': 65_536, '1m': 1_048_576, post: 64 };
const bodies = new Map(Object.entries(SIZES).map(([name, size]) => [name, Buffer.alloc(size, 'abcdefghijklmnopqrstuvwxyz')]));

function answer(request: IncomingMessage, response: ServerResponse): void {
  const name = (request.url ?? '').split('/').at(-1) ?? '';
  const body = name === 'echo' ? Buffer.from(headText(request)) : bodies.get(name);
  response.writeHead(body === undefined ? 404 : 200, {
    Server: 'origin/1.0',
    'Content-Type': name === 'echo' ? 'text/plain' : 'application/json; charset=utf-8',
    'Content-Length': body?.length ?? 0,
    'Cache-Control': 'no-cache, private',
    ETag: '"abcdef0123456789"',
    'X-Backend': 'o1',
    Connection: 'keep-alive',
  });
  response.end(body);
}

function headText(request: IncomingMessage): string {
  let text = `${request.method} ${request.url} HTTP/${request.httpVersion}\r\n`;
  for (let i = 0; i < request.rawHeaders.length; i += 2) text += `${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}\r\n`;
  return `${text}\r\n`;
}

const ports: number[] = [];
for (const port of process.argv.slice(2)) {
  const server = createServer((request, response) => {
    if (request.method === 'GET') answer(request, response);
    else request.resume().on('end', () => answer(request, response));
  });
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(Number(port), '127.0.0.1', resolve));
  const address = server.address();
  if (address !== null && typeof address === 'object') ports.push(address.port);
}
process.stdout.write(`ready ${ports.join(' ')}\n`);
