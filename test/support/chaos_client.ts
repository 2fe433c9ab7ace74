import { connect, type Socket } from 'node:net';

/** What became of one request. */
export interface ChaosOutcome {
  readonly id: string;
  /** 0: the connection ended instead of a whole answer. */
  readonly status: number;
  readonly body: string;
  /** What came behind the answer before anything else was asked. */
  readonly excess: string;
  /** The connection is over. */
  readonly isClosed: boolean;
}

const METHODS = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'PUT'];

/** Sends requests one after another, on kept connections; gives some up in between. One promise per request. */
export class ChaosClient {
  private readonly port: number;
  private readonly random: () => number;
  private socket: Socket | undefined;
  private received = '';
  private onChange: () => void = () => {};

  /** `random`: numbers in [0, 1). */
  constructor(port: number, random: () => number) {
    this.port = port;
    this.random = random;
  }

  /** One request and all that comes of it; null when it was given up by the client. */
  async request(id: string): Promise<ChaosOutcome | null> {
    this.socket ??= await this.connect();
    const { socket } = this;
    const method = METHODS[Math.floor(this.random() * METHODS.length)];
    this.received = '';
    const text = requestText(method, id, this.random);
    const isGivenUp = this.random() < 0.05;
    socket.write(isGivenUp && this.random() < 0.5 ? text.slice(0, Math.floor(text.length * this.random())) : text);
    if (isGivenUp) {
      await new Promise((resolve) => setTimeout(resolve, this.random() * 20));
      this.close();
      return null;
    }
    return this.outcome(socket, id, method === 'HEAD');
  }

  close(): void {
    if (this.random() < 0.5) this.socket?.resetAndDestroy();
    else this.socket?.destroy();
    this.socket = undefined;
  }

  private connect(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port: this.port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
      socket.once('error', reject);
      socket.on('data', (bytes: Buffer) => {
        this.received += bytes.toString('latin1');
        this.onChange();
      });
      socket.on('close', () => this.onChange());
    });
  }

  private async outcome(socket: Socket, id: string, isHead: boolean): Promise<ChaosOutcome> {
    for (;;) {
      const end = this.received.indexOf('\r\n\r\n');
      const length = end < 0 || isHead ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(this.received.slice(0, end))?.[1] ?? 0);
      const isWhole = end >= 0 && this.received.length >= end + 4 + length;
      if (isWhole || socket.destroyed) {
        const isClosed = socket.destroyed || /\r\nconnection: close/i.test(this.received.slice(0, end));
        if (isClosed) this.close();
        const total = end + 4 + length;
        return isWhole
          ? { id, status: Number(this.received.slice(9, 12)), body: this.received.slice(end + 4, total), excess: this.received.slice(total), isClosed }
          : { id, status: 0, body: '', excess: '', isClosed };
      }
      await new Promise<void>((resolve) => {
        this.onChange = resolve;
      });
    }
  }
}

function requestText(method: string, id: string, random: () => number): string {
  const head = `${method} /${id} HTTP/1.1\r\nhost: h\r\nx-id: ${id}\r\n`;
  if (method === 'GET' || method === 'HEAD') return `${head}\r\n`;
  const body = 'x'.repeat(1 + Math.floor(random() * 5000));
  return random() < 0.5 ? `${head}content-length: ${body.length}\r\n\r\n${body}` : `${head}transfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}
