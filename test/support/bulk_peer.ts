// Both ends of a proxied transfer in a process of their own, so that only the proxy's memory counts in the test's. Its reader
// takes bytes in bursts with stalls between. Messages in: { port, direction, bytes }; out: { origin } once, { received } per run.
import { connect, createServer, type Socket } from 'node:net';

interface Order {
  readonly port: number;
  readonly direction: 'upload' | 'download';
  readonly bytes: number;
}

const CHUNK = Buffer.alloc(65536, 'b');
const BURST = 8 << 20;
const STALL_MS = 10;

/** Writes `total` bytes as fast as the socket takes them. */
function pour(socket: Socket, total: number): void {
  let left = total;
  const more = () => {
    while (left > 0) {
      const n = Math.min(left, CHUNK.length);
      left -= n;
      if (!socket.write(n === CHUNK.length ? CHUNK : CHUNK.subarray(0, n))) {
        socket.once('drain', more);
        return;
      }
    }
  };
  more();
}

/** Counts what comes behind the head until `total` bytes are there, stalling after each burst. */
function drink(socket: Socket, total: number, done: (received: number) => void): void {
  let head = '';
  let inBody = false;
  let received = 0;
  let burst = 0;
  socket.on('data', (chunk: Buffer) => {
    let bytes = chunk.length;
    if (!inBody) {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      inBody = true;
      bytes = head.length - end - 4;
    }
    received += bytes;
    burst += bytes;
    if (received >= total) {
      done(received);
    } else if (burst >= BURST) {
      burst = 0;
      socket.pause();
      setTimeout(() => socket.resume(), STALL_MS);
    }
  });
}

let order: Order = { port: 0, direction: 'download', bytes: 0 };

const origin = createServer((socket) => {
  socket.on('error', () => {});
  if (order.direction === 'upload') {
    drink(socket, order.bytes, (received) => socket.write(`HTTP/1.1 200 OK\r\nx-received: ${received}\r\ncontent-length: 0\r\n\r\n`));
  } else {
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${order.bytes}\r\n\r\n`);
      pour(socket, order.bytes);
    });
  }
});
origin.listen(0, '127.0.0.1', () => {
  const address = origin.address();
  if (address !== null && typeof address !== 'string') process.send?.({ origin: address.port });
});

process.on('message', (message: Order) => {
  order = message;
  const socket = connect(order.port, '127.0.0.1');
  socket.on('error', (error) => process.send?.({ received: -1, error: error.message }));
  if (order.direction === 'upload') {
    socket.write(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${order.bytes}\r\n\r\n`);
    pour(socket, order.bytes);
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      const received = /x-received: (\d+)/.exec(text)?.[1];
      if (received === undefined || !text.includes('\r\n\r\n')) return;
      process.send?.({ received: Number(received) });
      socket.destroy();
    });
  } else {
    socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    drink(socket, order.bytes, (received) => {
      process.send?.({ received });
      socket.destroy();
    });
  }
});
process.on('disconnect', () => process.exit(0));
