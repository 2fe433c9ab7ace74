import { HostHealthFlag } from '../../core/shared_memory/layout.ts';
import type { CircuitBreakerLimits, ClusterStatus, HostStatus, Instance, JsonObject, JsonValue } from '../../server/instance.ts';
import { JSON_TYPE, streamReply, TEXT, type AdminHandler, type BodyPieces } from '../handler.ts';
import { jsonDocument, LazyList, LazyObject, withoutUndefined, type LazyJson } from '../json_pieces.ts';

/** Names in the text listing, in the order in which they are printed. */
const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [HostHealthFlag.failedActiveHc, 'failed_active_hc'],
  [HostHealthFlag.failedOutlierCheck, 'failed_outlier_check'],
  [HostHealthFlag.failedEdsHealth, 'failed_eds_health'],
  [HostHealthFlag.degradedActiveHc, 'degraded_active_hc'],
  [HostHealthFlag.degradedEdsHealth, 'degraded_eds_health'],
  [HostHealthFlag.pendingDynamicRemoval, 'pending_dynamic_removal'],
  [HostHealthFlag.pendingActiveHc, 'pending_active_hc'],
  [HostHealthFlag.excludedViaImmediateHcFail, 'excluded_via_immediate_hc_fail'],
  [HostHealthFlag.activeHcTimeout, 'active_hc_timeout'],
  [HostHealthFlag.edsStatusDraining, 'eds_status_draining'],
];

/** Fields of envoy.admin.v3.HostHealthStatus. */
const FLAG_FIELDS: readonly (readonly [number, string])[] = [
  [HostHealthFlag.failedActiveHc, 'failed_active_health_check'],
  [HostHealthFlag.failedOutlierCheck, 'failed_outlier_check'],
  [HostHealthFlag.degradedActiveHc, 'failed_active_degraded_check'],
  [HostHealthFlag.pendingDynamicRemoval, 'pending_dynamic_removal'],
  [HostHealthFlag.pendingActiveHc, 'pending_active_hc'],
  [HostHealthFlag.excludedViaImmediateHcFail, 'excluded_via_immediate_hc_fail'],
  [HostHealthFlag.activeHcTimeout, 'active_hc_timeout'],
];

/** `/clusters`: every cluster with its hosts, as `name::field::value` lines or as envoy.admin.v3.Clusters. */
export function clustersHandler(instance: Instance): AdminHandler {
  return {
    path: '/clusters',
    help: 'upstream cluster status',
    mutates: false,
    params: [],
    handle(request) {
      if (request.params.first('format') === 'json') return streamReply(JSON_TYPE, jsonDocument(clustersJson(instance)));
      return streamReply(TEXT, clustersText(instance.clusters()));
    },
  };
}

function* clustersText(clusters: Iterable<ClusterStatus>): BodyPieces {
  for (const cluster of clusters) {
    const name = cluster.name;
    yield `${name}::observability_name::${cluster.observabilityName}\n${outlierText(cluster)}`
      + limitsText(name, 'default', cluster.defaultPriority)
      + limitsText(name, 'high', cluster.highPriority)
      + `${name}::added_via_api::${cluster.addedViaApi}\n`
      + (cluster.edsServiceName === '' ? '' : `${name}::eds_service_name::${cluster.edsServiceName}\n`);
    for (const host of cluster.hosts) yield hostText(name, host);
  }
}

function outlierText(cluster: ClusterStatus): string {
  const outlier = cluster.outlier;
  if (outlier === undefined) return '';
  const prefix = `${cluster.name}::outlier::`;
  return `${prefix}success_rate_average::${outlier.successRateAverage}\n`
    + `${prefix}success_rate_ejection_threshold::${outlier.successRateEjectionThreshold}\n`
    + `${prefix}local_origin_success_rate_average::${outlier.localOriginSuccessRateAverage}\n`
    + `${prefix}local_origin_success_rate_ejection_threshold::${outlier.localOriginSuccessRateEjectionThreshold}\n`;
}

function limitsText(cluster: string, priority: string, limits: CircuitBreakerLimits): string {
  const prefix = `${cluster}::${priority}_priority::`;
  return `${prefix}max_connections::${limits.maxConnections}\n${prefix}max_pending_requests::${limits.maxPendingRequests}\n`
    + `${prefix}max_requests::${limits.maxRequests}\n${prefix}max_retries::${limits.maxRetries}\n`;
}

function hostText(cluster: string, host: HostStatus): string {
  const { counts } = host;
  const fields: readonly (readonly [string, string | number | boolean])[] = [
    ['cx_active', counts.cxActive], ['cx_connect_fail', counts.cxConnectFail], ['cx_total', counts.cxTotal],
    ['rq_active', counts.rqActive], ['rq_error', counts.rqError], ['rq_success', counts.rqSuccess],
    ['rq_timeout', counts.rqTimeout], ['rq_total', counts.rqTotal],
    ['hostname', host.hostname], ['health_flags', healthFlagsText(host.healthFlags)], ['weight', host.weight],
    ['region', host.region], ['zone', host.zone], ['sub_zone', host.subZone], ['canary', host.canary],
    ['priority', host.priority], ['success_rate', host.successRate],
    ['local_origin_success_rate', host.localOriginSuccessRate],
  ];
  const prefix = `${cluster}::${host.address.text}::`;
  return fields.map(([field, value]) => `${prefix}${field}::${value}\n`).join('');
}

function healthFlagsText(flags: number): string {
  if (flags === 0) return 'healthy';
  return FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => `/${name}`).join('');
}

function clustersJson(instance: Instance): LazyJson {
  return new LazyObject(function* () {
    const clusters = [...instance.clusters()];
    if (clusters.length === 0) return;
    yield ['cluster_statuses', new LazyList(function* () {
      for (const cluster of clusters) yield clusterJson(cluster);
    })];
  });
}

function clusterJson(cluster: ClusterStatus): LazyJson {
  const hosts = [...cluster.hosts];
  return new LazyObject(function* () {
    yield ['name', cluster.name];
    if (cluster.addedViaApi) yield ['added_via_api', true];
    const threshold = cluster.outlier?.successRateEjectionThreshold ?? -1;
    if (threshold >= 0) yield ['success_rate_ejection_threshold', percentJson(threshold)];
    if (hosts.length > 0) {
      yield ['host_statuses', new LazyList(function* () {
        for (const host of hosts) yield hostJson(host);
      })];
    }
    const localThreshold = cluster.outlier?.localOriginSuccessRateEjectionThreshold ?? -1;
    if (localThreshold >= 0) yield ['local_origin_success_rate_ejection_threshold', percentJson(localThreshold)];
    yield ['circuit_breakers', {
      thresholds: [limitsJson(cluster.defaultPriority), { priority: 'HIGH', ...limitsJson(cluster.highPriority) }],
    }];
    yield ['observability_name', cluster.observabilityName];
    if (cluster.edsServiceName !== '') yield ['eds_service_name', cluster.edsServiceName];
  });
}

function percentJson(value: number): JsonObject {
  return value === 0 ? {} : { value };
}

function limitsJson(limits: CircuitBreakerLimits): JsonObject {
  return {
    max_connections: limits.maxConnections, max_pending_requests: limits.maxPendingRequests,
    max_requests: limits.maxRequests, max_retries: limits.maxRetries,
  };
}

function hostJson(host: HostStatus): JsonObject {
  const { counts } = host;
  return withoutUndefined({
    address: host.address.json,
    stats: [
      statJson('cx_connect_fail', counts.cxConnectFail), statJson('cx_total', counts.cxTotal),
      statJson('rq_error', counts.rqError), statJson('rq_success', counts.rqSuccess),
      statJson('rq_timeout', counts.rqTimeout), statJson('rq_total', counts.rqTotal),
      { type: 'GAUGE', ...statJson('cx_active', counts.cxActive) },
      { type: 'GAUGE', ...statJson('rq_active', counts.rqActive) },
    ],
    health_status: healthJson(host.healthFlags),
    success_rate: host.successRate < 0 ? undefined : percentJson(host.successRate),
    weight: host.weight,
    hostname: host.hostname === '' ? undefined : host.hostname,
    priority: host.priority === 0 ? undefined : host.priority,
    local_origin_success_rate: host.localOriginSuccessRate < 0 ? undefined : percentJson(host.localOriginSuccessRate),
    locality: withoutUndefined({
      region: host.region === '' ? undefined : host.region,
      zone: host.zone === '' ? undefined : host.zone,
      sub_zone: host.subZone === '' ? undefined : host.subZone,
    }),
  });
}

function statJson(name: string, value: number): JsonObject {
  return value === 0 ? { name } : { value: String(value), name };
}

/** envoy.admin.v3.HostHealthStatus: what EDS said is one enum, the other flags are booleans. */
function healthJson(flags: number): JsonObject {
  const result: Record<string, JsonValue> = {};
  for (const [bit, field] of FLAG_FIELDS) if ((flags & bit) !== 0) result[field] = true;
  let eds = 'HEALTHY';
  if ((flags & HostHealthFlag.failedEdsHealth) !== 0) eds = 'UNHEALTHY';
  else if ((flags & HostHealthFlag.edsStatusDraining) !== 0) eds = 'DRAINING';
  else if ((flags & HostHealthFlag.degradedEdsHealth) !== 0) eds = 'DEGRADED';
  result['eds_health_status'] = eds;
  return result;
}
