import { describe, expect, it } from 'vitest';
import { FakeIo, type FakeSocket } from '../../test/support/fake_io.ts';
import { InProcessWorker, managerConfig, type TestFilter } from '../../test/support/in_process_worker.ts';
import { routeAction, routeConfig, routeEntry, routeMatch, virtualHost } from '../../test/support/route_config.ts';
import type { ConnectionManagerConfig } from '../http/connection_manager/config.ts';
import { CloseMode } from '../io/io.ts';

type Mode = 'websocket' | 'other upgrade' | 'forwarded CONNECT' | 'terminated CONNECT';
const MODES: readonly Mode[] = ['websocket', 'other upgrade', 'forwarded CONNECT', 'terminated CONNECT'];

const REQUESTS: Record<Mode, string> = {
  websocket: 'GET /ws HTTP/1.1\r\nhost: a\r\nconnection: Upgrade\r\nupgrade: WebSocket\r\n\r\n',
  'other upgrade': 'GET /ws HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: foo\r\n\r\n',
  'forwarded CONNECT': 'CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n',
  'terminated CONNECT': 'CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n',
};
const SWITCHED = 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';
/** What the upstream says to begin the tunnel; a terminated CONNECT begins with its connection. */
const ANSWERS: Record<Mode, string> = { websocket: SWITCHED, 'other upgrade': SWITCHED, 'forwarded CONNECT': 'HTTP/1.1 200 OK\r\n\r\n', 'terminated CONNECT': '' };
const FATES = ['closed', 'closed', 'reset'];
const UPGRADES = ['websocket', 'foo', 'connect'].map((type) => ({ type, enabled: true, filters: null }));

/** A whole worker on fake sockets and simulated time with a client that asks for a tunnel. */
class Scene {
  readonly io = new FakeIo();
  readonly worker: InProcessWorker;
  readonly client: FakeSocket;
  readonly mode: Mode;
  private up: FakeSocket | undefined;

  constructor(mode: Mode, manager: Partial<ConnectionManagerConfig> = {}, filters: readonly TestFilter[] = [], perConnectionBufferLimitBytes = 1 << 20) {
    this.mode = mode;
    const connect = mode === 'terminated CONNECT' ? { allowPost: false } : null;
    const isConnect = mode.endsWith('CONNECT');
    const match = isConnect ? routeMatch({ path: { kind: 'connect' } }) : routeMatch();
    const table = routeConfig({ virtualHosts: [virtualHost({ routes: [routeEntry({ match, action: routeAction({ connect }) })] })] });
    this.worker = InProcessWorker.onFake(this.io, {
      upstreamPorts: [81], filters, cluster: { perConnectionBufferLimitBytes }, listener: { perConnectionBufferLimitBytes },
      manager: { routeConfig: table, upgrades: UPGRADES, streamIdleTimeoutMs: 500, delayedCloseTimeoutMs: 0, ...manager },
    });
    this.client = this.io.socket(this.io.accept(this.worker.listenerNumber));
  }

  get upstream(): FakeSocket {
    if (this.up === undefined) throw new Error('no upstream yet');
    return this.up;
  }

  /** Brings the tunnel to a state. */
  bring(state: State): this {
    this.io.data(this.client.connection, REQUESTS[this.mode]);
    this.up = this.io.latest;
    if (state === 'connecting') return this;
    this.io.connected(this.up.connection);
    if (state === 'established') this.io.data(this.up.connection, ANSWERS[this.mode]);
    if (state === 'refused') this.io.data(this.up.connection, 'HTTP/1.1 403 Forbidden\r\ncontent-length: 4\r\n\r\nno');
    return this;
  }

  stat(name: string): number {
    return this.worker.stat(name);
  }

  /** Status and body the client saw, what became of its connection; what the upstream saw behind the request head, and its fate. */
  seen(): string {
    const client = `${/^HTTP\/1.1 (\d+)/.exec(this.client.sent)?.[1] ?? '-'} ${behindHead(this.client.sent)}`.trim();
    const sent = this.upstream.sent;
    const upstream = this.mode === 'terminated CONNECT' ? sent : behindHead(sent);
    return `${client.slice(0, 30)} ${fate(this.client)} | ${upstream === '' ? '-' : upstream} ${fate(this.upstream)}`;
  }

  expectNothingActive(): void {
    for (const name of ['http.ingress.downstream_rq_active', 'http.ingress.downstream_cx_upgrades_active', 'http.ingress.downstream_cx_active', 'cluster.c.upstream_rq_active', 'cluster.c.upstream_cx_active', 'cluster.c.upstream_rq_pending_active']) {
      expect([name, this.stat(name)]).toEqual([name, 0]);
    }
    expect(this.stat('http.ingress.downstream_cx_upgrades_total')).toBe(1);
    expect(this.worker.errors).toEqual([]);
  }
}

function behindHead(text: string): string {
  const end = text.indexOf('\r\n\r\n');
  return end < 0 ? '' : text.slice(end + 4);
}

function fate(socket: FakeSocket): string {
  return socket.closed >= 0 ? (FATES[socket.closed] ?? '') : socket.paused ? 'paused' : 'open';
}

type State = 'connecting' | 'asked' | 'established' | 'refused';
const EVENTS: Record<string, (scene: Scene) => void> = {
  'client sends': ({ io, client }) => io.data(client.connection, 'c'),
  'client ends': ({ io, client }) => io.eof(client.connection),
  'client resets': ({ io, client }) => io.error(client.connection),
  'upstream sends': ({ io, upstream }) => io.data(upstream.connection, 'u'),
  'upstream begins the tunnel': ({ io, upstream, mode }) => io.data(upstream.connection, ANSWERS[mode]),
  'upstream ends': ({ io, upstream }) => io.eof(upstream.connection),
  'upstream resets': ({ io, upstream }) => io.error(upstream.connection),
  'nothing for stream_idle_timeout': ({ io }) => io.advance(600),
  'worker stops': ({ worker }) => worker.close(),
};

/** State x event; % is the status that began the tunnel, @ what an event says again. `client | upstream`, each: received, fate. */
const TABLE: Record<State, Record<string, string>> = {
  connecting: {
    'client sends': '- open | - open',
    'client ends': '- closed | - open',
    'client resets': '- closed | - open',
    'nothing for stream_idle_timeout': '408 stream timeout closed | - open',
    'worker stops': '- closed | - closed',
  },
  asked: {
    'client sends': '- open | - open',
    'client ends': '- closed | - closed',
    'client resets': '- closed | - closed',
    'upstream sends': '502 upstream connect error or  closed | - closed',
    'upstream begins the tunnel': '% open | - open',
    'upstream ends': '503 upstream connect error or  closed | - closed',
    'upstream resets': '503 upstream connect error or  closed | - closed',
    'nothing for stream_idle_timeout': '408 stream timeout closed | - closed',
    'worker stops': '- closed | - closed',
  },
  established: {
    'client sends': '% open | c open',
    'client ends': '% closed | - closed',
    'client resets': '% closed | - closed',
    'upstream sends': '% u open | - open',
    'upstream begins the tunnel': '% @ open | - open',
    'upstream ends': '% closed | - closed',
    'upstream resets': '% closed | - closed',
    'nothing for stream_idle_timeout': '% closed | - closed',
    'worker stops': '% closed | - closed',
  },
  refused: {
    'client sends': '403 no open | - open',
    'client ends': '403 no closed | - closed',
    'client resets': '403 no closed | - closed',
    'upstream sends': '403 nou open | - open',
    'upstream begins the tunnel': '403 noHT closed | - closed',
    'upstream ends': '403 no closed | - closed',
    'upstream resets': '403 no closed | - closed',
    'nothing for stream_idle_timeout': '403 no closed | - closed',
    'worker stops': '403 no closed | - closed',
  },
};
/** Nothing is withheld of an upgrade that is not known. */
const OF_OTHER_UPGRADES: Partial<Record<State, Record<string, string>>> = { asked: { 'client sends': '- open | c open' }, refused: { 'client sends': '403 no open | c open' } };

function expected(mode: Mode, state: State, event: string): string | undefined {
  const cell = (mode === 'other upgrade' ? OF_OTHER_UPGRADES[state]?.[event] : undefined) ?? TABLE[state][event];
  const status = mode.endsWith('CONNECT') ? '200' : '101';
  return cell?.replace(/% @/, `${status} ${ANSWERS[mode]}`.slice(0, 30).trimEnd()).replace('%', status);
}

const CELLS = MODES.flatMap((mode) => {
  const states: State[] = mode === 'terminated CONNECT' ? ['connecting', 'established'] : ['connecting', 'asked', 'established', 'refused'];
  return states.flatMap((state) =>
    Object.keys(TABLE[state]).filter((event) => mode !== 'terminated CONNECT' || event !== 'upstream begins the tunnel').map((event) => [mode, state, event] as const));
});

describe('tunnel states', () => {
  it.each(CELLS)('%s, %s: %s', (mode, state, event) => {
    const scene = new Scene(mode).bring(state);
    EVENTS[event]?.(scene);
    expect(scene.seen()).toBe(expected(mode, state, event));
    scene.worker.close();
    scene.expectNothingActive();
  });
});

describe('tunnels', () => {
  it.each(MODES)('%s: passes whatever comes, however it is cut, and loses nothing that comes with a head', (mode) => {
    const request = `${REQUESTS[mode]}\x00early\r\n\r\n`;
    const answer = `${ANSWERS[mode]}\xffhello\r\n\r\n`;
    const whole = run(mode, [request], [answer]);
    expect(whole).toEqual(['\x00early\r\n\r\nlater', '\xffhello\r\n\r\nlater']);
    for (let at = 1; at < request.length; at++) expect(run(mode, [request.slice(0, at), request.slice(at)], [answer]), `request split at ${at}`).toEqual(whole);
    for (let at = 1; at < answer.length; at++) expect(run(mode, [request], [answer.slice(0, at), answer.slice(at)]), `answer split at ${at}`).toEqual(whole);
  });

  function run(mode: Mode, request: readonly string[], answer: readonly string[]): string[] {
    const { io, client, worker, ...scene } = new Scene(mode);
    for (const piece of request) io.data(client.connection, piece);
    const upstream = io.latest;
    io.connected(upstream.connection);
    for (const piece of answer) io.data(upstream.connection, piece);
    io.data(client.connection, 'later');
    io.data(upstream.connection, 'later');
    const seen = [scene.mode === 'terminated CONNECT' ? upstream.sent : behindHead(upstream.sent), behindHead(client.sent)];
    worker.close();
    return seen;
  }

  it.each(MODES)('%s: a slow upstream stops the client, a slow client the upstream', (mode) => {
    const { io, client, upstream, ...scene } = established(mode, 1000);
    upstream.stalled = true;
    // What waits is known after the turn that sent it.
    for (const part of ['x'.repeat(3000), 'x']) io.data(client.connection, part);
    expect([client.paused, upstream.paused]).toEqual([true, false]);
    io.drain(upstream.connection);
    expect(client.paused).toBe(false);
    client.stalled = true;
    for (const part of ['y'.repeat(3000), 'y']) io.data(upstream.connection, part);
    expect([client.paused, upstream.paused]).toEqual([false, true]);
    io.drain(client.connection);
    expect(upstream.paused).toBe(false);
    expect(client.sent.endsWith('y'.repeat(3001)) && upstream.sent.endsWith('x'.repeat(3001))).toBe(true);
    expect(scene.worker.stat('http.ingress.downstream_flow_control_paused_reading_total')).toBe(1);
    expect(scene.worker.stat('cluster.c.upstream_flow_control_paused_reading_total')).toBe(1);
  });

  function established(mode: Mode, limit?: number): Scene & { readonly upstream: FakeSocket } {
    return new Scene(mode, {}, [], limit).bring('established');
  }

  it.each(['websocket', 'forwarded CONNECT'] as const)('%s: a client that does not wait for the answer is stopped after 1 MiB', (mode) => {
    const scene = new Scene(mode).bring('asked');
    const { io, client, upstream } = scene;
    const chunk = 'x'.repeat(200_000);
    for (let i = 0; i < 6; i++) io.data(client.connection, chunk);
    expect([client.paused, behindHead(upstream.sent)]).toEqual([true, '']);
    io.data(upstream.connection, ANSWERS[mode]);
    expect([client.paused, behindHead(upstream.sent) === chunk.repeat(6)]).toEqual([false, true]);
  });

  it.each(MODES)('%s: bytes count as activity, request_timeout and the route timeout end with the answer', (mode) => {
    const scene = new Scene(mode, { requestTimeoutMs: 300 }).bring('established');
    const { io, client, upstream } = scene;
    for (let i = 0; i < 60; i++) {
      io.advance(400);
      io.data(i % 2 === 0 ? client.connection : upstream.connection, '.');
    }
    expect(scene.seen()).toBe(`${mode.endsWith('CONNECT') ? 200 : 101} ${'.'.repeat(30)}`.slice(0, 30).concat(` open | ${'.'.repeat(30)} open`));
  });

  it('ends a WebSocket request that gets no answer with the route timeout', () => {
    const scene = new Scene('websocket', { streamIdleTimeoutMs: 0 }).bring('asked');
    scene.io.advance(15_100);
    expect(scene.seen()).toBe('504 upstream request timeout closed | - closed');
    expect(scene.stat('cluster.c.upstream_rq_timeout')).toBe(1);
    scene.expectNothingActive();
  });

  it.each(MODES)('%s: flushes to the upstream what the client sent last', (mode) => {
    const { io, client, upstream } = established(mode);
    upstream.stalled = true;
    io.data(client.connection, 'last');
    io.eof(client.connection);
    expect([upstream.sent.endsWith('last'), upstream.closed]).toEqual([true, CloseMode.flush]);
  });

  it.each(MODES)('%s: the upstream connection carries nothing else', (mode) => {
    const scene = established(mode);
    const { io } = scene;
    const other = io.socket(io.accept(scene.worker.listenerNumber));
    io.data(other.connection, REQUESTS[mode]);
    const second = io.latest;
    expect(second).not.toBe(scene.upstream);
    io.connected(second.connection);
    io.data(second.connection, ANSWERS[mode]);
    io.eof(other.connection);
    expect(second.closed).toBe(CloseMode.flush);
    expect(scene.stat('cluster.c.upstream_cx_total')).toBe(2);
    expect(scene.stat('cluster.c.upstream_cx_active')).toBe(1);
  });

  it('filters see the bytes of both directions', () => {
    const seen: string[] = [];
    const spy: TestFilter = {
      name: 'spy',
      create: () => ({
        createFilter: () => ({
          decodeData: (data) => {
            seen.push(`up ${data.length}`);
            return 0;
          },
          encodeData: (data) => {
            seen.push(`down ${data.length}`);
            return 0;
          },
        }),
      }),
    };
    const { io, client, upstream } = new Scene('websocket', {}, [spy]).bring('established');
    io.data(client.connection, 'abc');
    io.data(upstream.connection, 'de');
    expect(seen).toEqual(['up 3', 'down 2']);
  });

  it('a stream goes back to the usual filters after an upgrade with filters of its own', () => {
    const log: string[] = [];
    const note = (name: string): 0 => {
      log.push(name);
      return 0;
    };
    const marker = (name: string): TestFilter => ({
      name,
      create: () => ({ createFilter: () => ({ decodeHeaders: () => note(name), onDestroy: () => void log.push(`${name} gone`) }) }),
    });
    const own = managerConfig([marker('own')]).filters;
    const scene = new Scene('websocket', { upgrades: [{ type: 'websocket', enabled: true, filters: own }], filters: managerConfig([marker('usual')]).filters }, [marker('usual'), marker('own')]);
    const { io } = scene;
    const get = (): void => {
      const client = io.socket(io.accept(scene.worker.listenerNumber));
      io.data(client.connection, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n');
      io.eof(client.connection);
    };
    get();
    scene.bring('established');
    io.eof(scene.client.connection);
    get();
    expect(log).toEqual(['usual', 'usual gone', 'own', 'own gone', 'usual', 'usual gone']);
  });
});
