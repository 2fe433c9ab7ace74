import { connect, type Socket } from 'node:net';

/** What became of one request. */
export interface ChaosOutcome {
  readonly id: string;
  /** 0: the connection ended instead of a whole answer. */
  readonly status: number;
  readonly body: string;
  /** `location` of the answer; '' = none. */
  readonly location: string;
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

  /** One request and all that comes of it; null when it was given up by the client. `path`: what stands before the id. */
  async request(id: string, path = '/'): Promise<ChaosOutcome | null> {
    this.socket ??= await this.connect();
    const { socket } = this;
    const method = METHODS[Math.floor(this.random() * METHODS.length)];
    this.received = '';
    const text = requestText(method, path, id, this.random);
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
      const head = end < 0 ? '' : this.received.slice(0, end + 2);
      const length = end < 0 || isHead ? 0 : bodyLength(head, this.received.slice(end + 4));
      const isWhole = length >= 0 && end >= 0 && this.received.length >= end + 4 + length;
      if (isWhole || socket.destroyed) {
        const isClosed = socket.destroyed || /\r\nconnection: close/i.test(head);
        if (isClosed) this.close();
        const total = end + 4 + length;
        return isWhole
          ? { id, status: Number(this.received.slice(9, 12)), body: bodyOf(head, this.received.slice(end + 4, total)), location: headerOf(head, 'location'), excess: this.received.slice(total), isClosed }
          : { id, status: 0, body: '', location: '', excess: '', isClosed };
      }
      await new Promise<void>((resolve) => {
        this.onChange = resolve;
      });
    }
  }
}

function headerOf(head: string, name: string): string {
  return new RegExp(`\\r\\n${name}: ([^\\r]*)\\r\\n`, 'i').exec(head)?.[1] ?? '';
}

function isChunked(head: string): boolean {
  return headerOf(head, 'transfer-encoding') === 'chunked';
}

/** Bytes of the body as it was sent; -1 = not all here yet. */
function bodyLength(head: string, received: string): number {
  if (!isChunked(head)) return Number(headerOf(head, 'content-length'));
  for (let at = 0; ; ) {
    const end = received.indexOf('\r\n', at);
    if (end < 0) return -1;
    const size = Number.parseInt(received.slice(at, end), 16);
    at = end + 2 + size + 2;
    if (Number.isNaN(size) || at > received.length) return -1;
    if (size === 0) return at;
  }
}

/** A body without its chunks. */
function bodyOf(head: string, sent: string): string {
  return isChunked(head) ? sent.replaceAll(/[0-9a-f]+\r\n([^\r]*)\r\n/g, '$1') : sent;
}

function requestText(method: string, path: string, id: string, random: () => number): string {
  const head = `${method} ${path}${id} HTTP/1.1\r\nhost: h\r\nx-id: ${id}\r\n`;
  if (method === 'GET' || method === 'HEAD') return `${head}\r\n`;
  const body = 'x'.repeat(1 + Math.floor(random() * 5000));
  return random() < 0.5 ? `${head}content-length: ${body.length}\r\n\r\n${body}` : `${head}transfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
}
