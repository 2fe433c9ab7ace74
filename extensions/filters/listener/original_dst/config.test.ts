import { describe, expect, it } from 'vitest';
import { FakeIo } from '../../../../test/support/fake_io.ts';
import { InProcessWorker } from '../../../../test/support/in_process_worker.ts';
import { register } from './config.ts';

const FILTER = { name: 'original_dst', typeName: 'envoy.extensions.filters.listener.original_dst.v3.OriginalDst', config: {} };
const GET = 'GET / HTTP/1.1\r\nhost: h\r\n\r\n';

/** Begins a connection that the system redirected from there, and sends a request. */
function begin(from: string, isFiltered = true) {
  const io = new FakeIo();
  const worker = InProcessWorker.onFake(io, {
    upstreamPorts: [], register, listener: { listenerFilters: isFiltered ? [FILTER] : [] },
    cluster: { provided: { kind: 'original_dst', headerName: '', metadataFilter: '', metadataPath: [], portOverride: 0 } },
  });
  // Connections are numbered one after the other.
  io.originalDestinations.set(io.socketCount + 1, from);
  const client = io.accept(worker.listenerNumber);
  io.data(client, GET);
  return { io, worker, client };
}

describe('original_dst', () => {
  it.each([['10.1.2.3:8080', '10.1.2.3', 8080], ['[fd00::1]:81', 'fd00::1', 81]])('sends a redirected connection on to where it was going: %s', (from, address, port) => {
    const { io, client } = begin(from);
    expect([io.latest.address, io.latest.port]).toEqual([address, port]);
    io.connected(io.latest.connection);
    expect(io.latest.sent).toContain('GET / HTTP/1.1');
    io.data(io.latest.connection, 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    expect(io.socket(client).sent).toContain('200 OK');
  });

  it('leaves others as they are: they have nowhere to go', () => {
    const { io, client } = begin('');
    expect(io.socket(client).sent).toContain('503 Service Unavailable');
  });

  it("leaves one as it is of which the system says that it was going to the listener itself", () => {
    const { io, client } = begin(new FakeIo().localAddress(0));
    expect(io.socket(client).sent).toContain('503 Service Unavailable');
  });

  it('is not done without the filter', () => {
    const { io, client } = begin('10.1.2.3:8080', false);
    expect(io.socket(client).sent).toContain('503 Service Unavailable');
  });
});
