import { createServer, type Server, type Socket } from 'node:net';

/** What an upstream does with what it is asked. */
export type Misbehaviour =
  | 'none'
  /** Nothing listens. */
  | 'refuse'
  /** Accepts and never answers. */
  | 'hang'
  /** Resets the connection in the middle of its answer. */
  | 'reset'
  /** Answers byte by byte. */
  | 'trickle'
  /** Answers with what is no HTTP. */
  | 'garbage'
  /** Says more bytes than it sends, then closes. */
  | 'short_body'
  /** Sends more than it said. */
  | 'excess'
  | 'errors'
  /** Waits before the first byte. */
  | 'slow'
  /** Closes a kept connection just when its next request arrives. */
  | 'close_on_reuse'
  /** Closes as soon as it has answered, without saying so. */
  | 'close_after'
  /** Closes a kept connection a few milliseconds after its answer: just when the next request may be under way. */
  | 'close_idle'
  /** Says two lengths. */
  | 'two_lengths'
  /** Sends a chunk whose size is none. */
  | 'bad_chunk'
  /** Stops in the middle of the head. */
  | 'half_head'
  /** 503 to a row of requests, then well again, in turn. */
  | 'bursts';

/** How many requests of each kind `bursts` answers. */
const BURST = 10;

export const MISBEHAVIOURS: readonly Misbehaviour[] = [
  'refuse', 'hang', 'reset', 'trickle', 'garbage', 'short_body', 'excess', 'errors', 'slow', 'close_on_reuse', 'close_after',
  'close_idle', 'two_lengths', 'bad_chunk', 'half_head', 'bursts',
];

/** An HTTP/1 server on the loopback that misbehaves on command. An answer's body is the request's x-id. Health checks (/hc) meet with the same. */
export class ChaosUpstream {
  port = 0;
  /** Requests of all times, health checks left out. */
  requests = 0;
  private readonly address: string;
  private mode: Misbehaviour = 'none';
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor(address: string) {
    this.address = address;
    this.server = createServer({ noDelay: true }, (socket) => this.onConnection(socket));
  }

  /** On a port of the system's choice unless given. */
  static async start(address = '127.0.0.1', port = 0): Promise<ChaosUpstream> {
    const self = new ChaosUpstream(address);
    self.port = port;
    await self.listen();
    return self;
  }

  /** From the next request on. */
  async behave(mode: Misbehaviour): Promise<void> {
    const wasRefusing = this.mode === 'refuse';
    this.mode = mode;
    if (mode === 'refuse' && !wasRefusing) await this.stop();
    else if (mode !== 'refuse' && wasRefusing) await this.listen();
  }

  /** Cuts every connection and stops listening. */
  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    if (this.server.listening) await new Promise((resolve) => this.server.close(resolve));
  }

  private listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.port, this.address, () => {
        const bound = this.server.address();
        if (bound !== null && typeof bound === 'object') this.port = bound.port;
        this.server.removeListener('error', reject);
        resolve();
      });
    });
  }

  private onConnection(socket: Socket): void {
    let pending = '';
    let count = 0;
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      pending += chunk.toString('latin1');
      for (let end = requestEnd(pending); end > 0 && !socket.destroyed; end = requestEnd(pending)) {
        const head = pending.slice(0, end);
        pending = pending.slice(end);
        this.answer(socket, head, count++);
      }
    });
  }

  private answer(socket: Socket, request: string, index: number): void {
    const id = /\r\nx-id: (\S+)/i.exec(request)?.[1] ?? '';
    const hasBody = !request.startsWith('HEAD ');
    if (!/^\S+ \/hc /.test(request)) this.requests++;
    const good = response('200 OK', id, hasBody);
    switch (this.mode) {
      case 'refuse':
        socket.destroy();
        break;
      case 'hang':
        break;
      case 'reset':
        socket.write(good.slice(0, id.length * 3 % good.length), () => socket.resetAndDestroy());
        break;
      case 'trickle':
        trickle(socket, good);
        break;
      case 'garbage':
        socket.write('\x00\x01 no HTTP at all\r\n\r\n');
        break;
      case 'short_body':
        socket.end(good.slice(0, -1));
        break;
      case 'excess':
        socket.write(`${good}HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad`);
        break;
      case 'errors':
        socket.write(response('500 Internal Server Error', id, hasBody));
        break;
      case 'slow':
        setTimeout(() => socket.write(good), 150);
        break;
      case 'close_on_reuse':
        if (index > 0) socket.destroy();
        else socket.write(good);
        break;
      case 'close_after':
        socket.end(good);
        break;
      case 'close_idle':
        socket.write(good);
        setTimeout(() => socket.destroy(), index % 5);
        break;
      case 'two_lengths':
        socket.write(good.replace('\r\n\r\n', '\r\ncontent-length: 1\r\n\r\n'));
        break;
      case 'bad_chunk':
        socket.write(hasBody ? 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\nnone\r\n' : good);
        break;
      case 'half_head':
        socket.write(good.slice(0, 25));
        break;
      case 'bursts':
        socket.write(Math.floor(this.requests / BURST) % 2 === 0 ? response('503 Service Unavailable', id, hasBody) : good);
        break;
      default:
        socket.write(good);
    }
  }
}

function response(status: string, id: string, hasBody: boolean): string {
  return `HTTP/1.1 ${status}\r\ncontent-length: ${id.length}\r\n\r\n${hasBody ? id : ''}`;
}

function trickle(socket: Socket, text: string): void {
  let sent = 0;
  const next = () => {
    if (socket.destroyed) return;
    socket.write(text.slice(sent, sent + 1));
    if (++sent < text.length) setTimeout(next, 1);
  };
  next();
}

/** Where the first request ends; -1 = not yet. */
function requestEnd(text: string): number {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return -1;
  const head = text.slice(0, end + 4);
  if (/\r\ntransfer-encoding: chunked/i.test(head)) {
    const last = text.indexOf('0\r\n\r\n', end + 2);
    return last < 0 ? -1 : last + 5;
  }
  const total = end + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return text.length < total ? -1 : total;
}
