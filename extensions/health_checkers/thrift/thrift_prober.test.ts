import { describe, expect, it } from 'vitest';
import { FakeProbeContext } from '../../../test/support/fake_probe_context.ts';
import { ProbeAnswers } from '../../../test/support/probe_answers.ts';
import { ThriftProber } from './thrift_prober.ts';

const OK = '\x00\x00\x00\x11\x80\x01\x00\x02\x00\x00\x00\x04ping\x00\x00\x00\x00\x00';
const FAILED = OK.replace('\x02', '\x03');

function setUp(reuse = true) {
  const context = new FakeProbeContext(reuse);
  const answers = new ProbeAnswers();
  return { context, answers, prober: new ThriftProber({ method: 'ping', transport: 'framed', protocol: 'binary' }, context, answers) };
}

describe('state by event', () => {
  it.each([
    ['asking', 'answer', 'success', true],
    ['asking', 'failure', 'ACTIVE', true],
    ['asking', 'half', '', true],
    ['asking', 'malformed', 'NETWORK', false],
    ['asking', 'closed', 'NETWORK', false],
    ['asking', 'abort', '', false],
    ['kept', 'answer', '', true],
    ['kept', 'malformed', 'NETWORK', false],
    // Also a connection that the host closes when nobody asks, as in Envoy.
    ['kept', 'closed', 'NETWORK', false],
    ['kept', 'abort', '', false],
  ])('%s, %s: %j', (state, event, said, stays) => {
    const { context, answers, prober } = setUp();
    prober.probe();
    const connection = context.last;
    if (state === 'kept') connection.receive(OK);
    answers.said.length = 0;
    if (event === 'answer') connection.receive(OK);
    else if (event === 'failure') connection.receive(FAILED);
    else if (event === 'half') connection.receive(OK.slice(0, 9));
    else if (event === 'malformed') connection.receive('HTTP/1.1 400');
    else if (event === 'closed') connection.events.onClosed();
    else prober.abort();
    expect([answers.said.join(), !connection.isClosed]).toEqual([said, stays]);
    if (event === 'half') return;
    prober.probe();
    expect(context.connections.length).toBe(stays ? 1 : 2);
    context.last.receive(OK);
    expect(answers.said.at(-1)).toBe('success');
  });
});

it('takes an answer once it is whole, and the second of two for nobody', () => {
  const { context, answers, prober } = setUp();
  prober.probe();
  context.last.receive(OK.slice(0, 9));
  context.last.receive(OK.slice(9) + FAILED);
  prober.probe();
  expect(answers.said).toEqual(['success']);
  context.last.receive(OK);
  expect(answers.said).toEqual(['success', 'success']);
});

it.each([[true, 1], [false, 3]])('reuse_connection %s makes %d for three checks, to where checks go', (reuse, count) => {
  const { context, answers, prober } = setUp(reuse);
  for (let i = 0; i < 3; i++) {
    prober.probe();
    context.last.receive(OK);
  }
  expect([context.asked, answers.said.join()]).toEqual([Array.from({ length: count }, () => 'checks'), 'success,success,success']);
});
