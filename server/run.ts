/**
 * From a parsed command line to an exit code: opens the log, reads the configuration, then checks it (--mode validate) or serves.
 * Thread: main.
 */
import { SystemScheduler } from '../core/event/scheduler.ts';
import { LogFile, SharedLogOutput } from '../core/log/file_log_output.ts';
import { createLogger, createLogLevels, type Logger, type SharedLog } from '../core/log/logger.ts';
import { LogLevels } from '../core/log/log_levels.ts';
import { locateCaller } from '../core/log/source_location.ts';
import type { FactoryRegistry } from '../core/registry/factory_registry.ts';
import type { BuildInfo } from './bootstrap/build_info.ts';
import type { Options } from './bootstrap/options.ts';
import { ConfigError } from './config/config_error.ts';
import { type ConfigSource, type ReadConfig, readConfig } from './config/read_config.ts';
import type { ServerConfig } from './config/server_config.ts';
import { ConfigDump, dumpTexts } from './config_dump.ts';
import { isLargeFile, readInPool } from './config_pool.ts';
import { fileVersion } from './config/file_version.ts';
import type { ConfigOrigin } from './explain/explain_task.ts';
import { handleSignals } from './lifecycle/signals.ts';
import { chooseBackend } from './listeners/choose_backend.ts';
import { Server, type ServerEnvironment } from './server.ts';

/** What `bin/` brings. */
export interface RunEnvironment extends Omit<ServerEnvironment, 'scheduler'> {
  readonly options: Options;
  /** Sentences about the command line, logged once. */
  readonly notices: readonly string[];
  readonly build: BuildInfo;
  /** The module that reads large configurations on a thread of its own (server/config_pool.ts). */
  readonly configEntry: URL;
  /** With every extension that this process has and that the command line did not disable. */
  readonly registry: FactoryRegistry;
  readonly writeStdout: (text: string) => void;
  readonly writeStderr: (text: string) => void;
}

/** The process log and what it is shared through. */
interface ProcessLog {
  readonly file: LogFile;
  readonly levels: LogLevels;
  readonly scheduler: SystemScheduler;
  /** The log in a pattern; the pattern may change once the configuration is read. */
  open(pattern: string): { readonly log: Logger; readonly shared: SharedLog };
}

/** Does what the command line says. Resolves to the exit code; never rejects on what a user can cause. */
export async function run(environment: RunEnvironment): Promise<number> {
  const { options } = environment;
  let processLog: ProcessLog;
  try {
    processLog = openLog(options);
  } catch (error) {
    environment.writeStderr(`error: the log file '${options.logPath}' cannot be opened: ${messageOf(error)}\n`);
    return 1;
  }
  const { log } = processLog.open(options.logFormat);
  if (options.mode !== 'validate') logStart(log, environment.registry);
  for (const notice of environment.notices) log.warning(notice);
  try {
    const { config, pattern, warnings, dump, origin, unknownFieldCount } = await loadConfig(environment);
    const configured = processLog.open(pattern ?? options.logFormat);
    for (const warning of warnings) configured.log.of('config').warning(warning);
    if (options.mode === 'validate') return validated(environment, config, configured.log);
    return await serve(environment, processLog, configured, { config, dump, origin, unknownFieldCount });
  } catch (error) {
    reportFailure(environment, log, error);
    return 1;
  }
}

function openLog(options: Options): ProcessLog {
  const scheduler = new SystemScheduler();
  const file = new LogFile(options.logPath, scheduler);
  const levels = new LogLevels(createLogLevels(options.logLevel));
  for (const { component, level } of options.componentLogLevels) levels.set(component, level);
  const output = new SharedLogOutput(file.buffer);
  return {
    file, levels, scheduler,
    open: (pattern) => {
      const shared: SharedLog = { levels: levels.buffer, pattern, escaped: options.logFormatEscaped };
      return { shared, log: createLogger(output, shared, { threadId: process.pid, nowMs: () => scheduler.wallMs(), locate: locateCaller }) };
    },
  };
}

function logStart(log: Logger, registry: FactoryRegistry): void {
  log.info('initializing epoch 0 (base id=0, hot restart version=disabled)');
  log.info('statically linked extensions:');
  for (const category of registry.categories()) {
    log.info(`  ${category}: ${registry.list(category).map((factory) => factory.name).toSorted().join(', ')}`);
  }
}

interface LoadedServer {
  readonly config: ServerConfig;
  readonly dump: ConfigDump;
  readonly origin: ConfigOrigin;
  readonly unknownFieldCount: number;
}

/** Reads and checks the whole configuration, on another thread if it is large. Rejects with a ConfigError that holds every problem found. */
async function loadConfig(environment: RunEnvironment): Promise<ReadConfig & LoadedServer> {
  const { options, registry, configEntry } = environment;
  const { configPath, configYaml, allowUnknownStaticFields, skipDeprecatedLogs, statsTags, isLogFormatSet, disabledExtensions } = options;
  const source: ConfigSource = { configPath, configYaml, allowUnknownStaticFields, skipDeprecatedLogs, statsTags, isLogFormatSet };
  // Looked at before it is read: a change in between makes the texts differ.
  const origin: ConfigOrigin = { source, fileVersion: fileVersion(configPath), disabledExtensions };
  const loadedAtMs = Date.now();
  if (isLargeFile(configPath)) {
    const { read, dump } = await readInPool(configEntry, { source, disabledExtensions });
    return { ...read, dump: new ConfigDump(() => dump, loadedAtMs), origin };
  }
  const { read, loaded } = readConfig(source, registry);
  return { ...read, dump: new ConfigDump(() => dumpTexts(loaded), loadedAtMs), origin };
}

function validated(environment: RunEnvironment, config: ServerConfig, log: Logger): number {
  const configLog = log.of('config');
  configLog.info(`loading ${config.clusters.length} cluster(s)`);
  configLog.info(`loading ${config.listeners.length} listener(s)`);
  environment.writeStdout(`configuration '${environment.options.configPath}' OK\n`);
  return 0;
}

async function serve(
  environment: RunEnvironment, processLog: ProcessLog, { log, shared }: { log: Logger; shared: SharedLog }, loaded: LoadedServer,
): Promise<number> {
  const { options } = environment;
  const server = new Server({
    options, config: loaded.config, build: environment.build, registry: environment.registry, log, logLevels: processLog.levels,
    logFile: processLog.file, sharedLog: shared, backend: chooseBackend(options.io, log.of('io')), startTimeMs: processLog.scheduler.wallMs(),
    environment: { ...environment, scheduler: processLog.scheduler },
    configDump: () => loaded.dump.sections(),
    configOrigin: loaded.origin,
    unknownFieldCount: loaded.unknownFieldCount,
  });
  if (options.baseIdPath !== '') environment.writeTextFile(options.baseIdPath, `${options.baseId}`);
  const stopSignals = handleSignals({
    onTerminate: (signal) => {
      log.warning(signal === 'SIGTERM' ? 'caught ENVOY_SIGTERM' : 'caught SIGINT');
      server.shutdown();
    },
    onReopenLogs: () => {
      log.info('caught SIGUSR1. Reopening access logs.');
      server.reopenLogs();
    },
    onHangup: () => log.warning('caught and eating SIGHUP. There is no hot restart to start.'),
  });
  try {
    return await server.run();
  } finally {
    stopSignals();
  }
}

function reportFailure(environment: RunEnvironment, log: Logger, error: unknown): void {
  const { configPath } = environment.options;
  const message = messageOf(error);
  // The log gets one line; the whole text with positions goes to stderr, for the person who sits there.
  const first = error instanceof ConfigError ? error.summary : message;
  log.critical(`error initializing configuration '${configPath}': ${first}`);
  if (!(error instanceof ConfigError) && error instanceof Error && error.stack !== undefined) log.debug(error.stack);
  environment.writeStderr(`${message}\n`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
