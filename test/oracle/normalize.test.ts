import { describe, expect, it } from 'vitest';
import { maskNumbers, Normalizer, serviceTimeExtraDigits } from './normalize.ts';

const normalizer = new Normalizer({
  listenerPorts: new Map([['main', 20001]]),
  upstreamPorts: new Map([['up', 40001]]),
  accessLogPath: '/nowhere',
});

describe('normalising', () => {
  it('replaces dates, ids and known addresses, and keeps the rest', () => {
    expect(normalizer.text('date: Sat, 21 Nov 2026 05:34:01 GMT')).toBe('date: <date>');
    expect(normalizer.text('x-request-id: ae8f1a43-be99-48ef-9fcb-cb82fa5ed142')).toBe('x-request-id: <uuid4>');
    expect(normalizer.text('127.0.0.1:40001 127.0.0.1:20001 127.0.0.1:55555')).toBe('<upstream up> <listener main> 127.0.0.1:<port>');
    expect(normalizer.text('x-a: 12345')).toBe('x-a: 12345');
  });

  it('names the listener in its stats', () => {
    expect(normalizer.statName('listener.127.0.0.1_20001.downstream_cx_total')).toBe('listener.<main>.downstream_cx_total');
  });

  it('keeps the type of a volatile log value and drops absent ones', () => {
    const line = JSON.stringify({ access_log_type: 'DownstreamEnd', duration: 7, start_time: '2026-01-01T00:00:00.000Z', path: null, response_code: 200 });
    expect(normalizer.logLine(line)).toEqual({ access_log_type: 'DownstreamEnd', duration: '<number duration>', start_time: '<string time>', response_code: 200 });
  });

  it('takes the extra digits of a slow service time out of header sizes', () => {
    const line = JSON.stringify({ access_log_type: 'DownstreamEnd', service_time: '123', response_headers_bytes: 101 });
    expect(normalizer.logLine(line)).toMatchObject({ response_headers_bytes: 99 });
    expect(serviceTimeExtraDigits('x-envoy-upstream-service-time: 12\nx-envoy-upstream-service-time: 3')).toBe(1);
  });

  it('masks short numbers whole and long ones sign by sign', () => {
    expect(maskNumbers('12 200 1795242028.591 Nov  1')).toBe('# ### ##########.### <month> #');
  });
});
