import { describe, expect, it } from 'vitest';
import { HostStat } from '../../../core/shared_memory/layout.ts';
import type { ProbeCredentials } from '../../../core/upstream/health_prober.ts';
import { FakeProbeContext } from '../../../test/support/fake_probe_context.ts';
import { ProbeAnswers } from '../../../test/support/probe_answers.ts';
import { RedisProber } from './redis_prober.ts';

const PING = '*1\r\n$4\r\nPING\r\n';

function setUp({ key = '', reuse = true, credentials = null as ProbeCredentials | null } = {}) {
  const context = new FakeProbeContext(reuse, credentials);
  const answers = new ProbeAnswers();
  return { context, answers, prober: new RedisProber(key, context, answers) };
}

describe('what a reply means', () => {
  it.each([
    ['', '+PONG\r\n', 'success'],
    ['', '+pong\r\n', 'ACTIVE'],
    ['', '$4\r\nPONG\r\n', 'ACTIVE'],
    ['', '-ERR\r\n', 'ACTIVE'],
    ['', '-\r\n', 'ACTIVE'],
    ['', ':0\r\n', 'ACTIVE'],
    ['', '-NOAUTH Authentication required.\r\n', 'ACTIVE'],
    ['', '-MOVED 3999 127.0.0.1:6381\r\n', 'success'],
    ['', '-ASK  3999   127.0.0.1:6381\r\n', 'success'],
    ['', '-MOVED 3999\r\n', 'ACTIVE'],
    ['', '-MOVED 1 2 3\r\n', 'ACTIVE'],
    ['', '-CLUSTERDOWN The cluster is down\r\n', 'NETWORK'],
    ['', '?', 'NETWORK'],
    ['k', ':0\r\n', 'success'],
    ['k', ':1\r\n', 'ACTIVE'],
    ['k', '+0\r\n', 'ACTIVE'],
    ['k', '-MOVED 3999 127.0.0.1:6381\r\n', 'success'],
  ])('key %j, %j: %s', (key, reply, said) => {
    const { context, answers, prober } = setUp({ key });
    prober.probe();
    context.last.events.onConnected();
    expect(answers.said).toEqual([]);
    context.last.receive(reply);
    expect(answers.said).toEqual([said]);
  });

  it('EXISTS that fails is counted', () => {
    const { context, prober } = setUp({ key: 'k' });
    expect(context.stats.value('c.health_check.redis.exists_failure')).toBe(0);
    prober.probe();
    expect(context.last.written).toBe('*2\r\n$6\r\nEXISTS\r\n$1\r\nk\r\n');
    context.last.receive(':1\r\n');
    expect(context.stats.value('c.health_check.redis.exists_failure')).toBe(1);
  });
});

describe('state by event', () => {
  // What has happened to the connection, what happens then, what is said, whether the connection stays, what is counted besides.
  const DESTROYED = { upstream_cx_destroy: 1 };
  const LOCAL = { ...DESTROYED, upstream_cx_destroy_local: 1 };
  const REMOTE = { ...DESTROYED, upstream_cx_destroy_remote: 1 };
  const LOCAL_RQ = { ...LOCAL, upstream_cx_destroy_with_active_rq: 1, upstream_cx_destroy_local_with_active_rq: 1 };
  const REMOTE_RQ = { ...REMOTE, upstream_cx_destroy_with_active_rq: 1, upstream_cx_destroy_remote_with_active_rq: 1 };
  const OPEN = { upstream_cx_active: 1 };
  const ASKING = { ...OPEN, upstream_rq_active: 1 };

  it.each([
    ['connecting', 'connected', '', ASKING],
    ['connecting', 'closed', 'NETWORK', { ...REMOTE_RQ, upstream_cx_connect_fail: 1 }],
    ['connecting', 'connect timeout', 'NETWORK', { ...LOCAL_RQ, upstream_cx_connect_timeout: 1 }],
    ['connecting', 'abort', '', { ...LOCAL_RQ, upstream_rq_cancelled: 1 }],
    ['asking', 'reply', 'success', OPEN],
    ['asking', 'half a reply', '', ASKING],
    ['asking', 'malformed', 'NETWORK', { ...LOCAL_RQ, upstream_cx_protocol_error: 1 }],
    ['asking', 'closed', 'NETWORK', REMOTE_RQ],
    ['asking', 'connect timeout', '', ASKING],
    ['asking', 'abort', '', { ...LOCAL_RQ, upstream_rq_cancelled: 1 }],
    ['kept', 'reply', '', OPEN],
    ['kept', 'malformed', '', { ...LOCAL, upstream_cx_protocol_error: 1 }],
    ['kept', 'closed', '', REMOTE],
    ['kept', 'abort', '', LOCAL],
  ])('%s, %s: %j', (state, event, said, counted) => {
    const { context, answers, prober } = setUp();
    prober.probe();
    const connection = context.last;
    if (state !== 'connecting') connection.events.onConnected();
    if (state === 'kept') connection.receive('+PONG\r\n');
    answers.said.length = 0;
    if (event === 'connected') connection.events.onConnected();
    else if (event === 'reply') connection.receive('+PONG\r\n');
    else if (event === 'half a reply') connection.receive('+PON');
    else if (event === 'malformed') connection.receive('HTTP/1.1');
    else if (event === 'closed') connection.events.onClosed();
    else if (event === 'connect timeout') context.scheduler.advance(500);
    else prober.abort();
    expect(answers.said.join()).toBe(said);
    expect(context.counted()).toEqual({ upstream_cx_total: 1, upstream_rq_total: 1, ...counted });
    expect(connection.isClosed).toBe(!('upstream_cx_active' in counted));
    // Whatever happened, the next check asks again.
    if (state === 'kept' || 'upstream_cx_destroy' in counted) {
      prober.probe();
      expect(context.connections.length).toBe('upstream_cx_active' in counted ? 1 : 2);
      context.last.events.onConnected();
      context.last.receive('+PONG\r\n');
      expect(answers.said.at(-1)).toBe('success');
    }
  });

  it('counts for the host, too', () => {
    const { context, prober } = setUp();
    prober.probe();
    expect([HostStat.cxTotal, HostStat.cxActive, HostStat.rqTotal, HostStat.rqActive].map((field) => context.counts[field])).toEqual([1, 1, 1, 1]);
    context.last.events.onClosed();
    expect([HostStat.cxActive, HostStat.rqActive, HostStat.cxConnectFail].map((field) => context.counts[field])).toEqual([0, 0, 1]);
    prober.probe();
    context.last.events.onConnected();
    context.last.receive('?');
    expect([HostStat.cxActive, HostStat.rqActive, HostStat.rqError].map((field) => context.counts[field])).toEqual([0, 0, 1]);
  });
});

describe('connections', () => {
  it('go where traffic goes', () => {
    const { context, prober } = setUp();
    prober.probe();
    expect(context.asked).toEqual(['traffic']);
  });

  it.each([[true, 1], [false, 3]])('reuse_connection %s makes %d for three checks', (reuse, count) => {
    const { context, answers, prober } = setUp({ reuse });
    for (let i = 0; i < 3; i++) {
      prober.probe();
      context.last.events.onConnected();
      context.last.receive('+PONG\r\n');
    }
    expect([context.connections.length, answers.said]).toEqual([count, ['success', 'success', 'success']]);
    expect(context.counted()['upstream_cx_active'] ?? 0).toBe(reuse ? 1 : 0);
  });

  it('takes a reply before what is malformed', () => {
    const { context, answers, prober } = setUp();
    prober.probe();
    context.last.receive('+PONG\r\n?');
    expect([answers.said, context.last.isClosed]).toEqual([['success'], true]);
  });

  it.each(['-MOVED 1 a:1\r\n', '-CLUSTERDOWN\r\n'])('stays after %j, whatever reuse_connection says', (reply) => {
    const { context, prober } = setUp({ reuse: false });
    prober.probe();
    context.last.receive(reply);
    expect(context.last.isClosed).toBe(false);
  });

  it('drops what nobody asked for, and a reply that comes after the next check began counts for that', () => {
    const { context, answers, prober } = setUp();
    prober.probe();
    context.last.receive('+PONG\r\n+PONG\r\n-ERR\r\n');
    prober.probe();
    context.last.receive('+PONG\r\n');
    expect(answers.said).toEqual(['success', 'success']);
  });

  it.each([
    [{ username: '', password: 'p' }, '*2\r\n$4\r\nauth\r\n$1\r\np\r\n'],
    [{ username: 'u', password: 'p' }, '*3\r\n$4\r\nauth\r\n$1\r\nu\r\n$1\r\np\r\n'],
    [{ username: 'u', password: '' }, '*3\r\n$4\r\nauth\r\n$1\r\nu\r\n$0\r\n\r\n'],
  ])('begin with credentials %j, once, whatever is said to them', (credentials, sent) => {
    const { context, answers, prober } = setUp({ credentials });
    prober.probe();
    expect(context.last.written).toBe(sent + PING);
    context.last.receive('-ERR\r\n');
    expect(answers.said).toEqual([]);
    context.last.receive('+PONG\r\n');
    prober.probe();
    expect(context.last.written).toBe(sent + PING + PING);
    context.last.receive('+PONG\r\n');
    expect(answers.said).toEqual(['success', 'success']);
    expect(context.counted()).toEqual({ upstream_cx_total: 1, upstream_cx_active: 1, upstream_rq_total: 3 });
  });

  it('a host that does not answer credentials is aborted with one cancelled request', () => {
    const { context, answers, prober } = setUp({ credentials: { username: '', password: 'p' } });
    prober.probe();
    context.last.receive('+PONG\r\n');
    prober.abort();
    expect(answers.said).toEqual([]);
    expect(context.counted()).toMatchObject({ upstream_rq_total: 2, upstream_rq_cancelled: 1 });
    expect(context.counted()['upstream_rq_active']).toBeUndefined();
  });

  it('nothing is said after close', () => {
    const { context, answers, prober } = setUp();
    prober.probe();
    prober.close();
    expect([answers.said, context.last.isClosed]).toEqual([[], true]);
  });
});
