/** Names of the process log's components, as Envoy's loggers are called; a component's id is its place in this list. */
export const LOG_COMPONENTS = [
  'admin', 'alternate_protocols_cache', 'aws', 'assert', 'backtrace', 'basic_auth', 'cache_filter', 'client', 'config',
  'connection', 'conn_handler', 'compression', 'credential_injector', 'decompression', 'dns', 'dubbo', 'envoy_bug',
  'ext_authz', 'ext_proc', 'rocketmq', 'file', 'filter', 'forward_proxy', 'geolocation', 'grpc', 'happy_eyeballs', 'hc',
  'health_checker', 'http', 'http2', 'hystrix', 'init', 'io', 'jwt', 'kafka', 'key_value_store', 'lua', 'local_rate_limit',
  'main', 'matcher', 'mcp', 'misc', 'mongo', 'multi_connection', 'notification', 'oauth2', 'quic', 'quic_stream', 'pool',
  'rate_limit_quota', 'rbac', 'rds', 'redis', 'router', 'runtime', 'stats', 'secret', 'tap', 'testing', 'thrift', 'tracing',
  'upstream', 'udp', 'wasm', 'websocket', 'golang', 'stats_sinks', 'dynamic_modules',
] as const;

export type LogComponent = (typeof LOG_COMPONENTS)[number];

/** The id of a component's name, or -1. */
export function logComponentId(name: string): number {
  return (LOG_COMPONENTS as readonly string[]).indexOf(name);
}
