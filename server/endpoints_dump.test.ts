import { describe, expect, it } from 'vitest';
import { hostConfig } from '../test/support/in_process_worker.ts';
import { HostHealthFlag } from '../core/shared_memory/layout.ts';
import { endpointsSection } from './endpoints_dump.ts';

describe('the endpoint section of /config_dump', () => {
  const health = [0, HostHealthFlag.degradedEdsHealth, HostHealthFlag.failedOutlierCheck];
  const hosts = [
    hostConfig(0, 80, { zone: 'a', hostname: 'one' }), hostConfig(1, 81, { zone: 'a', weight: 3 }),
    hostConfig(2, 82, { zone: 'a', priority: 1, metadata: { ns: { k: 'v' } } }),
  ];
  // Checks of the first go to another port and name, those of the second to another address.
  const targets = [{ address: '127.0.0.1', port: 90, hostname: 'checks' }, { address: '127.0.0.2', port: 81, hostname: '' }, { address: '127.0.0.1', port: 82, hostname: '' }];
  const checkTargets = () => new Map(targets.entries());
  const section = endpointsSection([{ config: { name: 'c', overprovisioningFactor: 140 }, hosts: () => hosts, checkTargets }, { config: { name: 'empty', overprovisioningFactor: 150 }, hosts: () => [], checkTargets }], health, ({ id, weight }) => (id === 1 ? 50 : weight));
  const address = (port: number) => ({ address: { socket_address: { address: '127.0.0.1', port_value: port } }, health_check_config: {} });

  it('has the hosts of each cluster by priority and locality, with their health and weight', () => {
    expect([section.key, section.typeName]).toEqual(['endpoint', 'envoy.admin.v3.EndpointsConfigDump']);
    const [list] = section.lists;
    expect([list.field, list.items.map((item) => item.name)]).toEqual(['static_endpoint_configs', ['c', 'empty']]);
    expect(list.items[0].json()).toEqual({ endpoint_config: {
      '@type': 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
      cluster_name: 'c',
      endpoints: [
        {
          locality: { zone: 'a' },
          lb_endpoints: [
            { endpoint: { ...address(80), health_check_config: { port_value: 90, hostname: 'checks' }, hostname: 'one' }, health_status: 'HEALTHY', load_balancing_weight: 1 },
            { endpoint: { ...address(81), health_check_config: { port_value: 81 } }, health_status: 'DEGRADED', load_balancing_weight: 50 },
          ],
        },
        {
          locality: { zone: 'a' }, priority: 1,
          lb_endpoints: [{ endpoint: address(82), health_status: 'UNHEALTHY', metadata: { filter_metadata: { ns: { k: 'v' } } }, load_balancing_weight: 1 }],
        },
      ],
      policy: { overprovisioning_factor: 140 },
    } });
  });

  it('shows a cluster without hosts', () => {
    expect(section.lists[0].items[1].json()).toMatchObject({ endpoint_config: { cluster_name: 'empty', policy: { overprovisioning_factor: 150 } } });
  });
});
