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
  | 'close_after';

export const MISBEHAVIOURS: readonly Misbehaviour[] = ['refuse', 'hang', 'reset', 'trickle', 'garbage', 'short_body', 'excess', 'errors', 'slow', 'close_on_reuse', 'close_after'];

/** An HTTP/1 server on the loopback that misbehaves on command. An answer's body is the request's x-id. */
export class ChaosUpstream {
  port = 0;
  private mode: Misbehaviour = 'none';
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  private constructor() {
    this.server = createServer({ noDelay: true }, (socket) => this.onConnection(socket));
  }

  static async start(): Promise<ChaosUpstream> {
    const self = new ChaosUpstream();
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
    return new Promise((resolve) => this.server.listen(this.port, '127.0.0.1', () => {
      const address = this.server.address();
      if (address !== null && typeof address === 'object') this.port = address.port;
      resolve();
    }));
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
