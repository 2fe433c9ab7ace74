/** The upstream hosts of a case group: listening sockets whose connections follow the running case's script. */
import { createServer, connect, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Step, UpstreamScript, UpstreamSpec, UpstreamTls } from './case_file.ts';
import { ScriptedConnection } from './scripted_connection.ts';
import { ScriptedHttp2Connection } from './scripted_http2_connection.ts';
import { type ScriptContext, ScriptedPeer } from './scripted_peer.ts';
import { TlsTerminator, type TlsSighting } from './scripted_tls.ts';
import type { WireReading } from './wire_parser.ts';

type ScriptedKind = 'scripted' | 'http2' | 'raw';

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw new Error('the scripted upstream is not listening on TCP');
  }
  return address.port;
}

/** Ports given out: nothing listens on them until the proxy starts, so asking the system alone would give one twice. */
const givenPorts = new Set<number>();

/**
 * A port on which nothing listens and that nobody was given before: below the ephemeral range, so that no outgoing
 * connection takes it meanwhile.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20000 + Math.floor(Math.random() * 12000);
    if (givenPorts.has(port)) {
      continue;
    }
    givenPorts.add(port);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (isFree) {
      server.close();
      await once(server, 'close');
      return port;
    }
  }
}

function stepsFor(script: UpstreamScript, index: number): Step[] {
  const first = script[0];
  if (!Array.isArray(first)) {
    return script as Step[];
  }
  const scripts = script as Step[][];
  return scripts[Math.min(index, scripts.length - 1)] ?? [];
}

export class ScriptedUpstream {
  readonly name: string;
  readonly connections: ScriptedPeer[] = [];
  port = 0;
  private script: UpstreamScript | undefined = undefined;
  private context: ScriptContext | undefined = undefined;
  private readonly server: Server;
  private readonly kind: ScriptedKind;
  private readonly isClosed: boolean;
  private readonly terminator: TlsTerminator | undefined;

  /** `isClosed`: without a script, connections close. */
  constructor(name: string, kind: ScriptedKind, tls: UpstreamTls | undefined, isClosed: boolean) {
    this.name = name;
    this.kind = kind;
    this.isClosed = isClosed || kind !== 'scripted';
    this.terminator = tls === undefined ? undefined : new TlsTerminator(tls);
    this.server = createServer({ allowHalfOpen: kind !== 'http2', noDelay: true }, (socket) => this.onConnection(socket));
  }

  async start(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = portOf(this.server);
  }

  /** Connections from now on follow `script`; without one, those of HTTP/1 answer every request and others close. */
  begin(script: UpstreamScript | undefined, context: ScriptContext): void {
    this.script = script;
    this.context = context;
    this.connections.length = 0;
  }

  /** Closes what the case left open. */
  endCase(): void {
    for (const connection of this.connections) {
      connection.destroy();
    }
    this.context = undefined;
  }

  async stop(): Promise<void> {
    this.endCase();
    this.server.close();
    await once(this.server, 'close');
  }

  private onConnection(socket: Socket): void {
    const { script, context } = this;
    if (context === undefined || (script === undefined && this.isClosed)) {
      socket.destroy();
      return;
    }
    const index = this.connections.length;
    const steps = script === undefined ? undefined : stepsFor(script, index);
    if (this.terminator === undefined) {
      this.follow(this.speak(socket), index, steps, context);
    } else if (steps?.[0] === 'no_handshake') {
      this.follow(new ScriptedConnection(socket, 'unrecorded'), index, steps.slice(1), context);
    } else {
      this.secure(socket, this.terminator, index, steps, context);
    }
  }

  /** Makes the handshake. Until it is done another stands for the connection; if it fails, that one follows the script. */
  private secure(socket: Socket, terminator: TlsTerminator, index: number, steps: readonly Step[] | undefined, context: ScriptContext): void {
    const pending = new UnsecuredConnection(socket);
    this.connections[index] = pending;
    terminator.secure(socket, pending.sighting, {
      onSecure: (secured) => {
        if (pending.fate !== 'open') return;
        const connection = this.speak(secured, socket);
        connection.tls = pending.sighting;
        this.follow(connection, index, steps, context);
      },
      onFailed: () => {
        if (pending.fate !== 'open') return;
        pending.fail();
        this.follow(pending, index, steps ?? [], context);
      },
    });
  }

  private speak(socket: Socket, transport = socket): ScriptedPeer {
    if (this.kind === 'http2') return new ScriptedHttp2Connection(socket);
    return new ScriptedConnection(socket, this.kind === 'raw' ? 'raw' : 'upstream', transport);
  }

  /** Without a script a connection of HTTP/1 answers every request. */
  private follow(connection: ScriptedPeer, index: number, steps: readonly Step[] | undefined, context: ScriptContext): void {
    this.connections[index] = connection;
    if (steps !== undefined) void connection.run(steps, context);
    else if (connection instanceof ScriptedConnection) void connection.answerAll();
  }
}

/** A connection whose handshake is not done, or never will be: of its script only what needs no connection is done. */
class UnsecuredConnection extends ScriptedPeer {
  readonly sighting: TlsSighting = {};
  private readonly socket: Socket;

  constructor(socket: Socket) {
    super();
    this.socket = socket;
    this.tls = this.sighting;
  }

  fail(): void {
    this.end('no handshake');
  }

  reading(): WireReading {
    return { messages: [], finalCount: 0, rest: '' };
  }

  destroy(): void {
    this.end('closed here');
    this.socket.destroy();
  }

  protected override async take(step: Step, context: ScriptContext): Promise<void> {
    const needsConnection = typeof step === 'string' || 'send' in step || 'read' in step || 'read_text' in step || 'respond' in step;
    if (!needsConnection) await super.take(step, context);
  }
}

const STALLED_SOURCE = `
const { createServer } = require('node:net');
const { parentPort } = require('node:worker_threads');
const server = createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
});
`;

/**
 * A port that neither accepts nor refuses: its thread sleeps and its accept queue is full, so that the kernel drops
 * every further SYN and a connect to it can only time out.
 */
export class StalledUpstream {
  port = 0;
  private readonly worker: Worker;
  private readonly fillers: Socket[] = [];

  constructor() {
    this.worker = new Worker(STALLED_SOURCE, { eval: true });
  }

  async start(): Promise<void> {
    const [port] = (await once(this.worker, 'message')) as [number];
    this.port = port;
    for (let count = 0; count < 4; count += 1) {
      const filler = connect(port, '127.0.0.1');
      filler.on('error', () => undefined);
      this.fillers.push(filler);
    }
    await once(this.fillers[0] ?? this.worker, 'connect');
    await once(this.fillers[1] ?? this.worker, 'connect');
  }

  async stop(): Promise<void> {
    for (const filler of this.fillers) {
      filler.destroy();
    }
    await this.worker.terminate();
  }
}

/** All upstream hosts of one group, by name. */
export class UpstreamSet {
  readonly scripted = new Map<string, ScriptedUpstream>();
  readonly ports = new Map<string, number>();
  private readonly stalled: StalledUpstream[] = [];

  async start(names: readonly string[], specs: Readonly<Record<string, UpstreamSpec>>): Promise<void> {
    for (const name of names) {
      const { kind, tls, isClosed } = specs[name] ?? { kind: 'scripted', tls: undefined, isClosed: false };
      if (kind === 'refused') {
        this.ports.set(name, await freePort());
      } else if (kind === 'stalled') {
        const upstream = new StalledUpstream();
        await upstream.start();
        this.stalled.push(upstream);
        this.ports.set(name, upstream.port);
      } else {
        const upstream = new ScriptedUpstream(name, kind, tls, isClosed);
        await upstream.start();
        this.scripted.set(name, upstream);
        this.ports.set(name, upstream.port);
      }
    }
  }

  async stop(): Promise<void> {
    for (const upstream of this.scripted.values()) {
      await upstream.stop();
    }
    for (const upstream of this.stalled) {
      await upstream.stop();
    }
  }
}
