/** The command line as `/server_info` prints it (envoy.admin.v3.CommandLineOptions). */
import { LOG_LEVEL_NAMES } from '../../core/log/log_level.ts';
import type { JsonObject } from '../instance.ts';
import type { Options } from './options.ts';

const MODES = { serve: 'Serve', validate: 'Validate', init_only: 'InitOnly' } as const;

export function optionsJson(options: Options): JsonObject {
  return {
    base_id: `${options.baseId}`,
    concurrency: options.concurrency,
    config_path: options.configPath,
    config_yaml: options.configYaml,
    allow_unknown_static_fields: options.allowUnknownStaticFields,
    reject_unknown_dynamic_fields: options.rejectUnknownDynamicFields,
    admin_address_path: options.adminAddressPath,
    local_address_ip_version: options.localAddressIpVersion,
    log_level: LOG_LEVEL_NAMES[options.logLevel],
    component_log_level: options.componentLogLevelText,
    log_format: options.logFormat,
    log_path: options.logPath,
    service_cluster: options.serviceCluster,
    service_node: options.serviceNode,
    service_zone: options.serviceZone,
    drain_strategy: options.drainStrategy === 'gradual' ? 'Gradual' : 'Immediate',
    mode: MODES[options.mode],
    disable_hot_restart: options.disableHotRestart,
    enable_mutex_tracing: options.enableMutexTracing,
    restart_epoch: 0,
    cpuset_threads: options.cpusetThreads,
    disabled_extensions: options.disabledExtensions,
    log_format_escaped: options.logFormatEscaped,
    ignore_unknown_dynamic_fields: options.ignoreUnknownDynamicFields,
    use_dynamic_base_id: options.useDynamicBaseId,
    base_id_path: options.baseIdPath,
    skip_hot_restart_on_no_parent: options.skipHotRestartOnNoParent,
    skip_hot_restart_parent_stats: options.skipHotRestartParentStats,
    skip_deprecated_logs: options.skipDeprecatedLogs,
    enable_fine_grain_logging: false,
    socket_path: options.socketPath,
    socket_mode: options.socketMode,
    enable_core_dump: options.enableCoreDump,
    stats_tag: options.statsTags.map(({ name, value }) => `${name}:${value}`),
    file_flush_interval: durationText(options.fileFlushIntervalMs),
    drain_time: `${options.drainTimeSec}s`,
    parent_shutdown_time: `${options.parentShutdownTimeSec}s`,
  };
}

/** A duration as proto JSON prints it: 0, 3, 6 or 9 decimals. */
export function durationText(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${(ms / 1000).toFixed(3)}s`;
}
