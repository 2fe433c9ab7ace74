/** What the tests use of npm's `ws`, which has no types of its own. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events';
  import type { IncomingMessage } from 'node:http';
  import type { Duplex } from 'node:stream';

  export interface Options {
    readonly perMessageDeflate?: boolean | object;
    readonly maxPayload?: number;
    readonly headers?: Readonly<Record<string, string>>;
  }

  export class WebSocket extends EventEmitter {
    constructor(url: string, protocols?: string[], options?: Options);
    readonly readyState: number;
    readonly bufferedAmount: number;
    readonly extensions: string;
    readonly protocol: string;
    readonly isPaused: boolean;
    send(data: string | Uint8Array, options?: { fin?: boolean; binary?: boolean; compress?: boolean }, done?: (error?: Error) => void): void;
    ping(data?: string | Uint8Array): void;
    close(code?: number, reason?: string): void;
    terminate(): void;
    pause(): void;
    resume(): void;
  }

  export class WebSocketServer extends EventEmitter {
    constructor(options: { port?: number; host?: string; noServer?: boolean } & Options);
    readonly clients: Set<WebSocket>;
    address(): { port: number };
    handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, done: (socket: WebSocket) => void): void;
    close(done?: () => void): void;
  }
}
