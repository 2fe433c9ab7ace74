import { createServer, type Server, type Socket } from 'node:net';
import { Peer } from './io_driver.ts';

/** A TCP server on the loopback whose connections a test scripts byte for byte. */
export class TestUpstream {
  readonly peers: Peer[] = [];
  port = 0;
  private readonly server: Server;

  private constructor(onConnection: (peer: Peer, index: number) => void) {
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket: Socket) => {
      const peer = new Peer(socket);
      this.peers.push(peer);
      onConnection(peer, this.peers.length - 1);
    });
  }

  /** Listens on a port of the system's choice; `onConnection` is called for each connection. */
  static async start(onConnection: (peer: Peer, index: number) => void = () => {}): Promise<TestUpstream> {
    const self = new TestUpstream(onConnection);
    await new Promise<void>((resolve) => self.server.listen(0, '127.0.0.1', resolve));
    const address = self.server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    self.port = address.port;
    return self;
  }

  /** All bytes received on all connections. */
  get text(): string {
    return this.peers.map((peer) => peer.text).join('');
  }

  close(): void {
    for (const peer of this.peers) peer.socket.destroy();
    this.server.close();
  }
}

/** Answers each complete request head (bodies with content-length included) with what `respond` gives; '' = no answer. */
export function answerEach(respond: (head: string, body: string, index: number) => string): (peer: Peer) => void {
  return (peer) => {
    let pending = '';
    let index = 0;
    peer.socket.on('data', (chunk: Buffer) => {
      pending += chunk.toString('latin1');
      for (;;) {
        const end = pending.indexOf('\r\n\r\n');
        if (end < 0) return;
        const head = pending.slice(0, end + 4);
        const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
        let total = end + 4 + length;
        if (/\r\ntransfer-encoding: chunked/i.test(head)) {
          const last = pending.indexOf('0\r\n\r\n', end + 4);
          if (last < 0) return;
          total = last + 5;
        }
        if (pending.length < total) return;
        const body = pending.slice(end + 4, total);
        pending = pending.slice(total);
        const answer = respond(head, body, index++);
        if (answer !== '') peer.socket.write(answer, 'latin1');
      }
    });
  };
}
