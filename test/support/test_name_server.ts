import { createSocket, type Socket } from 'node:dgram';
import { decode, encode } from 'dns-packet';

/** A name server on the loopback, over UDP: every name has the IPv4 addresses that the test says, and no others. */
export class TestNameServer {
  addresses: readonly string[] = [];
  private readonly socket: Socket = createSocket('udp4');

  static async start(): Promise<TestNameServer> {
    const self = new TestNameServer();
    self.socket.on('message', (query, from) => self.socket.send(self.respond(query), from.port, from.address));
    await new Promise<void>((resolve) => self.socket.bind(0, '127.0.0.1', resolve));
    return self;
  }

  get port(): number {
    return this.socket.address().port;
  }

  close(): void {
    this.socket.close();
  }

  private respond(query: Uint8Array): Buffer {
    const packet = decode(query);
    const question = packet.questions?.[0] ?? { name: '', type: '' };
    const answers = question.type === 'A' ? this.addresses.map((data) => ({ name: question.name, type: 'A', ttl: 1, data })) : [];
    return encode({ type: 'response', id: packet.id ?? 0, flags: 0x8180, questions: [question], answers });
  }
}
