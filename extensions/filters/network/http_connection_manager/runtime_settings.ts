import type { ConnectionManagerConfig } from '../../../../core/http/connection_manager/config.ts';
import type { RuntimeSnapshot } from '../../../../core/runtime/runtime_snapshot.ts';

const MAX_HEADERS_COUNT = 100;
const MAX_REQUEST_HEADERS_KB = 60;

/** What runtime may say where the configuration says nothing. Looked at once, when the listener is built, as in Envoy. */
export function withRuntimeSettings(config: ConnectionManagerConfig, runtime: RuntimeSnapshot, random: () => number): ConnectionManagerConfig {
  const percent = runtime.getInteger('http_connection_manager.normalize_path', 0);
  return {
    ...config,
    normalizePath: config.isNormalizePathSaid ? config.normalizePath : random() % 100 < percent,
    maxHeadersCount: config.maxHeadersCount || runtime.getInteger('envoy.reloadable_features.max_request_headers_count', MAX_HEADERS_COUNT),
    maxRequestHeadersKb: config.maxRequestHeadersKb || runtime.getInteger('envoy.reloadable_features.max_request_headers_size_kb', MAX_REQUEST_HEADERS_KB),
  };
}
