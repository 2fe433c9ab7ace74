import { describe, expect, test } from 'vitest';
import { HostHealthFlag } from '../../core/shared_memory/layout.ts';
import { askAdmin } from '../../test/support/admin_request.ts';
import { fakeAddress, fakeCluster, fakeHost, FakeInstance } from '../../test/support/fake_instance.ts';

const COUNTS = { cxTotal: 1, cxActive: 1, cxConnectFail: 0, rqTotal: 1, rqActive: 0, rqSuccess: 1, rqError: 0, rqTimeout: 0 };

function instanceWith(...clusters: FakeInstance['clusterList']): FakeInstance {
  const instance = new FakeInstance();
  instance.clusterList = clusters;
  return instance;
}

describe('/clusters as text', () => {
  test('a static cluster with one host', async () => {
    const { body } = await askAdmin(instanceWith(fakeCluster('up', [fakeHost({ counts: COUNTS })])), '/clusters');
    expect(body).toBe(`up::observability_name::up
up::default_priority::max_connections::1024
up::default_priority::max_pending_requests::1024
up::default_priority::max_requests::1024
up::default_priority::max_retries::3
up::high_priority::max_connections::1024
up::high_priority::max_pending_requests::1024
up::high_priority::max_requests::1024
up::high_priority::max_retries::3
up::added_via_api::false
up::127.0.0.1:18080::cx_active::1
up::127.0.0.1:18080::cx_connect_fail::0
up::127.0.0.1:18080::cx_total::1
up::127.0.0.1:18080::rq_active::0
up::127.0.0.1:18080::rq_error::0
up::127.0.0.1:18080::rq_success::1
up::127.0.0.1:18080::rq_timeout::0
up::127.0.0.1:18080::rq_total::1
up::127.0.0.1:18080::hostname::
up::127.0.0.1:18080::health_flags::healthy
up::127.0.0.1:18080::weight::1
up::127.0.0.1:18080::region::
up::127.0.0.1:18080::zone::
up::127.0.0.1:18080::sub_zone::
up::127.0.0.1:18080::canary::false
up::127.0.0.1:18080::priority::0
up::127.0.0.1:18080::success_rate::-1
up::127.0.0.1:18080::local_origin_success_rate::-1
`);
  });

  test('outlier figures, EDS service name and health flags where there are any', async () => {
    const outlier = {
      successRateAverage: 99.5, successRateEjectionThreshold: 6, localOriginSuccessRateAverage: -1, localOriginSuccessRateEjectionThreshold: -1,
    };
    const host = fakeHost({
      healthFlags: HostHealthFlag.failedActiveHc | HostHealthFlag.failedOutlierCheck | HostHealthFlag.edsStatusDraining, zone: 'z',
    });
    const { body } = await askAdmin(instanceWith(fakeCluster('up', [host], { outlier, edsServiceName: 'svc', addedViaApi: true })), '/clusters');
    const lines = body.split('\n');
    expect(lines.slice(1, 5)).toEqual([
      'up::outlier::success_rate_average::99.5', 'up::outlier::success_rate_ejection_threshold::6',
      'up::outlier::local_origin_success_rate_average::-1', 'up::outlier::local_origin_success_rate_ejection_threshold::-1',
    ]);
    expect(lines).toEqual(expect.arrayContaining([
      'up::added_via_api::true', 'up::eds_service_name::svc', 'up::127.0.0.1:18080::zone::z',
      'up::127.0.0.1:18080::health_flags::/failed_active_hc/failed_outlier_check/eds_status_draining',
    ]));
  });

  test('any format but json is text', async () => {
    expect((await askAdmin(instanceWith(fakeCluster('up', [])), '/clusters?format=xx')).body).toMatch(/^up::observability_name::up\n/);
  });
});

describe('/clusters as JSON', () => {
  test('a static cluster with one host', async () => {
    const { body, contentType } = await askAdmin(instanceWith(fakeCluster('up', [fakeHost({ counts: COUNTS })])), '/clusters?format=json');
    expect(contentType).toBe('application/json');
    expect(body).toBe(`${JSON.stringify({ cluster_statuses: [{
      name: 'up',
      host_statuses: [{
        address: { socket_address: { address: '127.0.0.1', port_value: 18080 } },
        stats: [
          { name: 'cx_connect_fail' }, { value: '1', name: 'cx_total' }, { name: 'rq_error' }, { value: '1', name: 'rq_success' },
          { name: 'rq_timeout' }, { value: '1', name: 'rq_total' }, { type: 'GAUGE', value: '1', name: 'cx_active' },
          { type: 'GAUGE', name: 'rq_active' },
        ],
        health_status: { eds_health_status: 'HEALTHY' },
        weight: 1,
        locality: {},
      }],
      circuit_breakers: { thresholds: [
        { max_connections: 1024, max_pending_requests: 1024, max_requests: 1024, max_retries: 3 },
        { priority: 'HIGH', max_connections: 1024, max_pending_requests: 1024, max_requests: 1024, max_retries: 3 },
      ] },
      observability_name: 'up',
    }] }, null, 1)}\n`);
  });

  test('what is set beyond the defaults', async () => {
    const host = fakeHost({
      address: fakeAddress('1.2.3.4', 80), hostname: 'h', priority: 6, successRate: 43.2, localOriginSuccessRate: 0, region: 'r',
      healthFlags: HostHealthFlag.failedActiveHc | HostHealthFlag.degradedEdsHealth,
    });
    const outlier = {
      successRateAverage: 0, successRateEjectionThreshold: 6, localOriginSuccessRateAverage: 0, localOriginSuccessRateEjectionThreshold: 9,
    };
    const { body } = await askAdmin(instanceWith(fakeCluster('up', [host], { addedViaApi: true, edsServiceName: 'svc', outlier })), '/clusters?format=json');
    const [status] = (JSON.parse(body) as { cluster_statuses: Record<string, unknown>[] }).cluster_statuses;
    expect(status).toMatchObject({
      added_via_api: true, eds_service_name: 'svc', success_rate_ejection_threshold: { value: 6 },
      local_origin_success_rate_ejection_threshold: { value: 9 },
      host_statuses: [{
        hostname: 'h', priority: 6, success_rate: { value: 43.2 }, local_origin_success_rate: {}, locality: { region: 'r' },
        health_status: { failed_active_health_check: true, eds_health_status: 'DEGRADED' },
      }],
    });
  });

  test('no clusters', async () => {
    expect((await askAdmin(instanceWith(), '/clusters?format=json')).body).toBe('{}\n');
  });
});
