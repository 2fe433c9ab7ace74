import { describe, expect, it } from 'vitest';
import { FakeIo, type FakeSocket } from '../../test/support/fake_io.ts';
import { InProcessWorker } from '../../test/support/in_process_worker.ts';
import { NotedLog } from '../../test/support/noted_log.ts';
import type { UpstreamLogConfig } from './upstream_log.ts';

const GET = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n';

/** A whole worker on fake sockets and simulated time whose router logs its tries. */
class Scene {
  readonly io = new FakeIo();
  readonly log: NotedLog;
  readonly worker: InProcessWorker;
  readonly client: FakeSocket;

  constructor(config: Partial<UpstreamLogConfig>) {
    this.log = new NotedLog(config);
    this.worker = InProcessWorker.onFake(this.io, { upstreamPorts: [81], manager: this.log.manager(), register: this.log.register });
    this.client = this.io.socket(this.io.accept(this.worker.listenerNumber));
    this.io.data(this.client.connection, GET);
  }

  get lines(): string[] {
    return this.log.lines;
  }

  /** The upstream connection, connected. */
  upstream(): FakeSocket {
    const socket = this.io.latest;
    this.io.connected(socket.connection);
    return socket;
  }
}

describe('UpstreamLog', () => {
  it('writes one line when a try ends', () => {
    const scene = new Scene({});
    const upstream = scene.upstream();
    scene.io.data(upstream.connection, 'HTTP/1.1 200 OK\r\nx-try: 1\r\ncontent-length: 4\r\n\r\nab');
    expect(scene.lines).toEqual([]);
    scene.io.data(upstream.connection, 'cd');
    expect(scene.lines).toEqual(['UpstreamEnd 200 - sent 0 received 4 1 -']);
    scene.io.data(scene.client.connection, GET);
    scene.io.data(upstream.connection, 'HTTP/1.1 204 No\r\n\r\n');
    expect(scene.lines.slice(1)).toEqual(['UpstreamEnd 204 - sent 0 received 0 - -']);
  });

  it('passes interim responses over', () => {
    const scene = new Scene({});
    scene.io.data(scene.upstream().connection, 'HTTP/1.1 103 Hints\r\nx-try: 0\r\n\r\nHTTP/1.1 200 OK\r\nx-try: 1\r\ncontent-length: 0\r\n\r\n');
    expect(scene.lines).toEqual(['UpstreamEnd 200 - sent 0 received 0 1 -']);
  });

  it('with flush_upstream_log_on_upstream_stream writes another when the connection is there', () => {
    const scene = new Scene({ logsReadyTries: true });
    expect(scene.lines).toEqual([]);
    const upstream = scene.upstream();
    expect(scene.lines).toEqual(['UpstreamPoolReady 0 - sent 0 received 0 - -']);
    scene.io.data(upstream.connection, 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    expect(scene.lines).toHaveLength(2);
  });

  it('with upstream_log_flush_interval writes others until the try ends, also while there is no connection', () => {
    const scene = new Scene({ intervalMs: 100 });
    scene.io.advance(150);
    expect(scene.lines).toEqual(['UpstreamPeriodic 0 - sent 0 received 0 - -']);
    const upstream = scene.upstream();
    scene.io.data(upstream.connection, 'HTTP/1.1 200 OK\r\nx-try: 1\r\ncontent-length: 4\r\n\r\nab');
    scene.io.advance(100);
    expect(scene.lines.slice(1)).toEqual(['UpstreamPeriodic 200 - sent 0 received 2 1 -']);
    scene.io.data(upstream.connection, 'cd');
    expect(scene.lines.slice(2)).toEqual(['UpstreamEnd 200 - sent 0 received 4 1 -']);
    scene.io.advance(1000);
    expect(scene.lines).toHaveLength(3);
  });

  it('says why there was no connection, and of which try the time ran out', () => {
    const refused = new Scene({});
    refused.io.connected(refused.io.latest.connection, 111);
    expect(refused.lines).toEqual(['UpstreamEnd 0 UF sent 0 received 0 - -']);
    const late = new Scene({});
    late.upstream();
    late.io.advance(15_100);
    expect(late.lines).toEqual(['UpstreamEnd 0 - sent 0 received 0 - -']);
    expect(late.worker.errors).toEqual([]);
  });
});
