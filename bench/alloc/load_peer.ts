// Client and origin of the allocation measurement, in a process of their own. Argument: none. Messages in: { port, requests };
// out: { origin } once, { done } per order. 16 keep-alive connections, 8 request headers, 1 KiB answers.
import { connect, createServer, type Socket } from 'node:net';

const CONNECTIONS = 16;
const REQUEST = Buffer.from(
  'GET /api/v1/items?page=2 HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0\r\nAccept: text/html,application/json;q=0.9\r\n' +
    'Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\nCookie: session=0123456789abcdef; theme=dark\r\nReferer: https://www.example.com/\r\nCache-Control: max-age=0\r\n\r\n',
);
const RESPONSE = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1024\r\ncache-control: no-cache\r\netag: "abc"\r\n\r\n${'x'.repeat(1024)}`);

const origin = createServer({ noDelay: true }, (socket) => {
  let pending = '';
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    pending += chunk.toString('latin1');
    for (let end = pending.indexOf('\r\n\r\n'); end >= 0; end = pending.indexOf('\r\n\r\n')) {
      pending = pending.slice(end + 4);
      socket.write(RESPONSE);
    }
  });
});
origin.listen(0, '127.0.0.1', () => {
  const address = origin.address();
  if (address !== null && typeof address !== 'string') process.send?.({ origin: address.port });
});

let sockets: Socket[] = [];
let left = 0;
let open = 0;

function client(port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  let pending = '';
  socket.on('data', (chunk: Buffer) => {
    pending += chunk.toString('latin1');
    const end = pending.indexOf('\r\n\r\n');
    if (end < 0 || pending.length < end + 4 + 1024) return;
    pending = pending.slice(end + 4 + 1024);
    open--;
    next(socket);
  });
  return socket;
}

function next(socket: Socket): void {
  if (left > 0) {
    left--;
    open++;
    socket.write(REQUEST);
  } else if (open === 0) {
    process.send?.({ done: true });
  }
}

process.on('message', (order: { port: number; requests: number }) => {
  left = order.requests;
  if (sockets.length === 0) sockets = Array.from({ length: CONNECTIONS }, () => client(order.port));
  for (const socket of sockets) next(socket);
});
process.on('disconnect', () => process.exit(0));
