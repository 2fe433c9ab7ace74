/** A health check configuration for tests: everything the default, intervals that can be told apart. */
import type { HealthCheckConfig, HttpCheckConfig } from '../../server/health_checks/health_check_config.ts';

export function httpCheck(fields: Partial<HttpCheckConfig> = {}): HttpCheckConfig {
  return {
    kind: 'http', isHttp2: false, host: '', path: '/hc', method: 'GET', send: new Uint8Array(), receive: [], responseBufferBytes: 1024,
    headers: { add: [], remove: [] }, expected: [{ start: 200, end: 201 }], retriable: [], serviceName: null, ...fields,
  };
}

export function checkConfig(fields: Partial<HealthCheckConfig> = {}): HealthCheckConfig {
  return {
    timeoutMs: 100, intervalMs: 1000, initialJitterMs: 0, intervalJitterMs: 0, intervalJitterPercent: 0, unhealthyThreshold: 2,
    healthyThreshold: 2, reuseConnection: true, alpnProtocols: [], noTrafficIntervalMs: 60_000, noTrafficHealthyIntervalMs: 50_000, unhealthyIntervalMs: 2000,
    unhealthyEdgeIntervalMs: 3000, healthyEdgeIntervalMs: 4000, logsAllFailures: false, logsAllSuccesses: false, eventLogPaths: [],
    checker: httpCheck(), ...fields,
  };
}
