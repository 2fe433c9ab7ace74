import { expect, it } from 'vitest';
import { type TransportSocketContext, UPSTREAM_SOCKET_CATEGORY } from '../../core/network/transport_socket.ts';
import { type ExtensionFactory, FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { type ClusterConfig, DEFAULT_THRESHOLDS } from '../../core/upstream/cluster_config.ts';
import { ClusterTemplates } from './cluster_templates.ts';

it('clusters have the stats of their sockets before there is a connection', () => {
  const registry = new FactoryRegistry();
  const factory: ExtensionFactory<object, TransportSocketContext, unknown> = {
    category: UPSTREAM_SOCKET_CATEGORY, name: 'test', typeName: 'test', parse: () => ({}), createFactory: (_config, { scope }) => scope.counter('ssl.handshake'),
  };
  registry.register(factory);
  const templates = new ClusterTemplates(registry);
  const socket = { name: '', typeName: 'test', config: {} };
  const of = (config: Pick<ClusterConfig, 'transportSocket' | 'socketConfigs'>) => templates.of({ defaultThresholds: DEFAULT_THRESHOLDS, highThresholds: DEFAULT_THRESHOLDS, ...config } as ClusterConfig);
  const has = (config: Parameters<typeof of>[0]) => of(config).names.some(({ suffix }) => suffix === '.ssl.handshake');
  expect([has({ transportSocket: null }), has({ transportSocket: socket }), has({ transportSocket: null, socketConfigs: { a: socket, b: null } })]).toEqual([false, true, true]);
  expect(of({ transportSocket: socket })).toBe(of({ transportSocket: null, socketConfigs: { a: socket } }));
});
