import { describe, expect, it } from 'vitest';
import { FakeIo } from '../../../test/support/fake_io.ts';
import { InProcessWorker } from '../../../test/support/in_process_worker.ts';

/** The header lines of a request as the upstream gets them, and of a response as the client does. */
function through(line: string): { request: string; response: string } {
  const io = new FakeIo();
  const worker = InProcessWorker.onFake(io, { upstreamPorts: [81] });
  const client = io.socket(io.accept(worker.listenerNumber));
  io.data(client.connection, `GET / HTTP/1.1\r\nhost: a\r\na: 1\r\n${line}\r\nz: 2\r\n\r\n`);
  const upstream = io.latest;
  io.connected(upstream.connection);
  io.data(upstream.connection, `HTTP/1.1 200 OK\r\na: 1\r\n${line}\r\nz: 2\r\ncontent-length: 0\r\n\r\n`);
  return { request: upstream.sent, response: client.sent };
}

describe('blanks of header lines', () => {
  it.each([
    ['x-own:', 'x-own: '], ['x-own: ', 'x-own: '], ['x-own:x', 'x-own: x'], ['x-own:  a b\t', 'x-own: a b'], ['X-Own:a ', 'x-own: a'], ['x-own: a  b', 'x-own: a  b'],
  ])('become the usual ones: %o', (line, expected) => {
    const { request, response } = through(line);
    expect(request).toContain(`\r\na: 1\r\n${expected}\r\nz: 2\r\n`);
    expect(response).toContain(`\r\na: 1\r\n${expected}\r\nz: 2\r\n`);
  });

  it('are right in what connection management reads', () => {
    const { request, response } = through('connection:close');
    expect(request).not.toContain('connection: close');
    expect(response).toContain('connection: close\r\n');
  });
});
