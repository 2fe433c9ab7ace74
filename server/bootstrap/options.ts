/**
 * The command line: Envoy's flags with their names, defaults, error texts and exit codes (Envoy docs, operations/cli).
 * Pure: reads argv and environment values it is given, prints nothing. Thread: main, before anything else.
 */
import { logComponentId } from '../../core/log/component_ids.ts';
import { type LogLevel, parseLogLevel } from '../../core/log/log_level.ts';
import { readFlags, UsageError, type ValueReader } from './flag_reader.ts';
import { FLAGS, usageText } from './flags.ts';

export const DEFAULT_LOG_FORMAT = '[%Y-%m-%d %T.%e][%t][%l][%n] [%g:%#] %v';

export type ServeMode = 'serve' | 'validate' | 'init_only';

export interface Options {
  readonly configPath: string;
  readonly configYaml: string;
  readonly mode: ServeMode;
  readonly allowUnknownStaticFields: boolean;
  readonly rejectUnknownDynamicFields: boolean;
  readonly ignoreUnknownDynamicFields: boolean;
  readonly skipDeprecatedLogs: boolean;
  /** As given: `category/name`. */
  readonly disabledExtensions: readonly string[];
  readonly adminAddressPath: string;
  readonly localAddressIpVersion: 'v4' | 'v6';
  /** Worker threads, at least 1. */
  readonly concurrency: number;
  readonly cpusetThreads: boolean;
  /** 'auto' = the ring where it was built. */
  readonly io: 'auto' | 'ring' | 'portable';
  readonly logLevel: LogLevel;
  /** As given on the command line ('' if absent); the parsed levels are in `componentLogLevels`. */
  readonly componentLogLevelText: string;
  readonly componentLogLevels: readonly { readonly component: number; readonly level: LogLevel }[];
  /** '' = stderr. */
  readonly logPath: string;
  readonly logFormat: string;
  /** Whether --log-format was given (then application_log_config may not set one). */
  readonly isLogFormatSet: boolean;
  readonly logFormatEscaped: boolean;
  readonly serviceCluster: string;
  readonly serviceNode: string;
  readonly serviceZone: string;
  readonly statsTags: readonly { readonly name: string; readonly value: string }[];
  readonly drainTimeSec: number;
  readonly drainStrategy: 'gradual' | 'immediate';
  readonly fileFlushIntervalMs: number;
  readonly fileFlushMinSizeKb: number;
  readonly baseId: number;
  readonly useDynamicBaseId: boolean;
  readonly baseIdPath: string;
  readonly disableHotRestart: boolean;
  readonly skipHotRestartOnNoParent: boolean;
  readonly skipHotRestartParentStats: boolean;
  readonly parentShutdownTimeSec: number;
  readonly socketPath: string;
  /** Permission bits. */
  readonly socketMode: number;
  readonly enableMutexTracing: boolean;
  readonly enableCoreDump: boolean;
}

/** What the environment contributes. */
export interface OptionsEnvironment {
  /** Processors available to this process. */
  readonly availableParallelism: number;
  /** ENVOYTS_IO, ENVOYTS_LOG: used where the flag is absent. */
  readonly io: string | undefined;
  readonly log: string | undefined;
  /** Text of --version without the program name. */
  readonly version: string;
}

export type ParsedCommandLine =
  /** `notices`: sentences to be logged once at warning level. */
  | { readonly kind: 'run'; readonly options: Options; readonly notices: readonly string[] }
  | { readonly kind: 'exit'; readonly code: 0 | 1; readonly stdout: string; readonly stderr: string };

/** Parses argv (without node and script). */
export function parseCommandLine(argv: readonly string[], environment: OptionsEnvironment): ParsedCommandLine {
  try {
    const reader = readFlags(argv, { program: 'envoyts', flags: FLAGS, takesArguments: false });
    if (reader.has('help')) return exitWith(0, usageText(), '');
    if (reader.has('version')) return exitWith(0, `\nenvoyts  version: ${environment.version}\n\n`, '');
    if (reader.has('hot-restart-version')) return exitWith(0, 'disabled\n', '');
    const options = buildOptions(reader, environment);
    return { kind: 'run', options, notices: collectNotices(reader) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return exitWith(1, '', `${error.message}\n`);
  }
}

function exitWith(code: 0 | 1, stdout: string, stderr: string): ParsedCommandLine {
  return { kind: 'exit', code, stdout, stderr };
}

function buildOptions(values: ValueReader, environment: OptionsEnvironment): Options {
  const restartEpoch = values.number('restart-epoch', 0);
  if (restartEpoch > 0 && values.has('use-dynamic-base-id')) {
    throw new UsageError(`error: cannot use --restart-epoch=${restartEpoch} with --use-dynamic-base-id`);
  }
  if (restartEpoch > 0) {
    throw new UsageError(`error: --restart-epoch ${restartEpoch} is refused: hot restart is not available in envoyts yet, only epoch 0 can be started`);
  }
  if (values.has('enable-fine-grain-logging')) {
    throw new UsageError(
      values.has('component-log-level')
        ? 'error: --component-log-level will not work with --enable-fine-grain-logging'
        : 'error: --enable-fine-grain-logging is refused: log levels are per component here, use --component-log-level',
    );
  }
  const componentText = values.text('component-log-level', environment.log ?? '');
  return {
    ...configOptions(values),
    concurrency: Math.max(1, values.number('concurrency', environment.availableParallelism)),
    cpusetThreads: values.has('cpuset-threads'),
    io: parseIo(values.text('io', environment.io ?? 'auto')),
    logLevel: parseLevel(values.text('log-level', 'info')),
    componentLogLevelText: values.text('component-log-level'),
    componentLogLevels: parseComponentLevels(componentText),
    logPath: values.text('log-path'),
    logFormat: values.text('log-format', DEFAULT_LOG_FORMAT),
    isLogFormatSet: values.has('log-format'),
    logFormatEscaped: values.has('log-format-escaped'),
    serviceCluster: values.text('service-cluster'),
    serviceNode: values.text('service-node'),
    serviceZone: values.text('service-zone'),
    statsTags: values.list('stats-tag').map(parseStatsTag),
    drainTimeSec: values.number('drain-time-s', 600),
    drainStrategy: parseDrainStrategy(values.text('drain-strategy', 'gradual')),
    fileFlushIntervalMs: values.number('file-flush-interval-msec', 10_000),
    fileFlushMinSizeKb: values.number('file-flush-min-size-kb', 64),
    ...hotRestartOptions(values),
    enableMutexTracing: values.has('enable-mutex-tracing'),
    enableCoreDump: values.has('enable-core-dump'),
  };
}

type ConfigOptions = Pick<
  Options,
  | 'configPath' | 'configYaml' | 'mode' | 'allowUnknownStaticFields' | 'rejectUnknownDynamicFields' | 'ignoreUnknownDynamicFields'
  | 'skipDeprecatedLogs' | 'disabledExtensions' | 'adminAddressPath' | 'localAddressIpVersion'
>;

function configOptions(values: ValueReader): ConfigOptions {
  return {
    configPath: values.text('config-path'),
    configYaml: values.text('config-yaml'),
    mode: parseMode(values.text('mode', 'serve')),
    allowUnknownStaticFields: values.has('allow-unknown-static-fields') || values.has('allow-unknown-fields'),
    rejectUnknownDynamicFields: values.has('reject-unknown-dynamic-fields'),
    ignoreUnknownDynamicFields: values.has('ignore-unknown-dynamic-fields'),
    skipDeprecatedLogs: values.has('skip-deprecated-logs'),
    disabledExtensions: values.text('disable-extensions').split(',').filter((name) => name !== ''),
    adminAddressPath: values.text('admin-address-path'),
    localAddressIpVersion: parseIpVersion(values.text('local-address-ip-version', 'v4')),
  };
}

type HotRestartOptions = Pick<
  Options,
  | 'baseId' | 'useDynamicBaseId' | 'baseIdPath' | 'disableHotRestart' | 'skipHotRestartOnNoParent' | 'skipHotRestartParentStats'
  | 'parentShutdownTimeSec' | 'socketPath' | 'socketMode'
>;

function hotRestartOptions(values: ValueReader): HotRestartOptions {
  const mode = values.text('socket-mode', '600');
  if (!/^[0-7]{1,4}$/.test(mode)) throw new UsageError(`error: invalid socket-mode '${mode}'`);
  return {
    baseId: values.number('base-id', 0),
    useDynamicBaseId: values.has('use-dynamic-base-id'),
    baseIdPath: values.text('base-id-path'),
    disableHotRestart: values.has('disable-hot-restart'),
    skipHotRestartOnNoParent: values.has('skip-hot-restart-on-no-parent'),
    skipHotRestartParentStats: values.has('skip-hot-restart-parent-stats'),
    parentShutdownTimeSec: values.number('parent-shutdown-time-s', 900),
    socketPath: values.text('socket-path', '@envoy_domain_socket'),
    socketMode: Number.parseInt(mode, 8),
  };
}

function parseMode(text: string): ServeMode {
  if (text === 'serve' || text === 'validate' || text === 'init_only') return text;
  throw new UsageError(`error: unknown mode '${text}'`);
}

function parseLevel(text: string): LogLevel {
  const level = parseLogLevel(text);
  if (level === undefined) throw new UsageError(`error: invalid log level specified '${text}'`);
  return level;
}

function parseComponentLevels(text: string): { component: number; level: LogLevel }[] {
  if (text === '') return [];
  return text.split(',').map((entry) => {
    const parts = entry.split(':');
    if (parts.length !== 2) throw new UsageError(`error: component log level not correctly specified '${entry}'`);
    const level = parseLevel(parts[1]);
    const component = logComponentId(parts[0]);
    if (component < 0) throw new UsageError(`error: invalid component specified '${parts[0]}'`);
    return { component, level };
  });
}

function parseIpVersion(text: string): 'v4' | 'v6' {
  if (text === 'v4' || text === 'v6') return text;
  throw new UsageError(`error: unknown IP address version '${text}'`);
}

function parseDrainStrategy(text: string): 'gradual' | 'immediate' {
  if (text === 'gradual' || text === 'immediate') return text;
  throw new UsageError(`error: unknown drain-strategy '${text}'`);
}

function parseIo(text: string): 'auto' | 'ring' | 'portable' {
  if (text === 'auto' || text === 'ring' || text === 'portable') return text;
  throw new UsageError(`error: unknown io backend '${text}' (ring or portable)`);
}

function parseStatsTag(text: string): { name: string; value: string } {
  const colon = text.indexOf(':');
  if (colon < 0) throw new UsageError(`error: misformatted stats-tag '${text}'`);
  const name = text.slice(0, colon);
  const value = text.slice(colon + 1);
  if (!/^[A-Za-z0-9]+$/.test(name)) throw new UsageError(`error: misformatted stats-tag '${text}' contains invalid char in '${name}'`);
  if (value.includes('.')) throw new UsageError(`error: misformatted stats-tag '${text}' contains invalid char in '${value}'`);
  return { name, value };
}

/** Flags that are accepted so that an existing command line keeps working, and what is said about them, once. */
const NO_EFFECT: readonly (readonly [names: readonly string[], sentence: string])[] = [
  [
    ['base-id', 'use-dynamic-base-id', 'skip-hot-restart-on-no-parent', 'skip-hot-restart-parent-stats', 'parent-shutdown-time-s', 'socket-path', 'socket-mode'],
    'hot restart is not available',
  ],
  [['enable-mutex-tracing'], 'there are no locks to trace'],
  [['enable-core-dump'], 'the limit of core files is set by the shell (ulimit -c)'],
  [['reject-unknown-dynamic-fields', 'ignore-unknown-dynamic-fields'], 'there is no dynamic configuration yet'],
];

function collectNotices(values: ValueReader): string[] {
  const notices: string[] = [];
  for (const [names, sentence] of NO_EFFECT) {
    const given = names.filter((name) => values.has(name)).map((name) => `--${name}`);
    if (given.length > 0) notices.push(`${given.join(', ')}: no effect, ${sentence}`);
  }
  if (values.has('cpuset-threads') && values.has('concurrency')) {
    notices.push('Both --concurrency and --cpuset-threads options are set; not applying --cpuset-threads.');
  }
  if (values.text('local-address-ip-version') === 'v6') {
    notices.push('--local-address-ip-version v6: no effect, the own address is an IPv4 one');
  }
  if (values.has('allow-unknown-fields')) {
    notices.push('--allow-unknown-fields is deprecated, use --allow-unknown-static-fields');
  }
  return notices;
}
