/** The command line's flags: names, kinds, defaults and help, in the order in which `--help` shows them. */
export type FlagKind = 'switch' | 'string' | 'unsigned' | 'list';

export interface Flag {
  /** Without dashes. */
  readonly name: string;
  /** One letter, or ''. */
  readonly short: string;
  readonly kind: FlagKind;
  /** Shown in --help after the flag, e.g. `<file>`. '' for switches. */
  readonly value: string;
  /** Heading under which --help shows it. */
  readonly group: string;
  readonly help: string;
}

export function flag(group: Flag['group'], name: string, kind: FlagKind, value: string, help: string, short = ''): Flag {
  return { name, short, kind, value, group, help };
}

const CONFIG = 'Configuration';
const THREADS = 'Threads';
const LOGGING = 'Logging';
const IDENTITY = 'Identity';
const FILES = 'Draining and files';
const RESTART = 'Hot restart';
const OTHER = 'Other';

export const FLAGS: readonly Flag[] = [
  flag(CONFIG, 'config-path', 'string', '<file>', 'Bootstrap file: .yaml/.yml, .pb (binary), .pb_text, anything else JSON.', 'c'),
  flag(CONFIG, 'config-yaml', 'string', '<text>', 'Bootstrap as YAML or JSON text, merged over the file.'),
  flag(CONFIG, 'mode', 'string', '<mode>', 'serve (default), validate (check the configuration and exit) or init_only (initialise and exit).'),
  flag(CONFIG, 'allow-unknown-static-fields', 'switch', '', 'Unknown fields in the bootstrap are warnings, not errors.'),
  flag(CONFIG, 'allow-unknown-fields', 'switch', '', 'Old name of --allow-unknown-static-fields.'),
  flag(CONFIG, 'reject-unknown-dynamic-fields', 'switch', '', 'Unknown fields in dynamic configuration are rejected.'),
  flag(CONFIG, 'ignore-unknown-dynamic-fields', 'switch', '', 'Unknown fields in dynamic configuration are not even counted.'),
  flag(CONFIG, 'skip-deprecated-logs', 'switch', '', 'No warning lines for deprecated fields.'),
  flag(CONFIG, 'disable-extensions', 'string', '<list>', 'Comma-separated extensions to leave out, each as category/name.'),
  flag(CONFIG, 'admin-address-path', 'string', '<file>', 'Write the admin address (host:port) to this file once it is bound.'),
  flag(CONFIG, 'local-address-ip-version', 'string', '<v4|v6>', 'Family of this server\'s own address. Default v4.'),
  flag(THREADS, 'concurrency', 'unsigned', '<n>', 'Worker threads. Default: the processors available to this process.'),
  flag(THREADS, 'cpuset-threads', 'switch', '', 'Take the number of workers from the CPU set (the default here already does).'),
  flag(THREADS, 'io', 'string', '<backend>', 'ring (the native addon) or portable (node:net). Default: ring where it was built. Also ENVOYTS_IO.'),
  flag(LOGGING, 'log-level', 'string', '<level>', 'trace, debug, info (default), warning (or warn), error, critical, off.', 'l'),
  flag(LOGGING, 'component-log-level', 'string', '<list>', 'Levels of single components, e.g. upstream:debug,config:trace. Also ENVOYTS_LOG.'),
  flag(LOGGING, 'log-path', 'string', '<file>', 'Process log file instead of stderr; reopened on SIGUSR1.'),
  flag(LOGGING, 'log-format', 'string', '<pattern>', 'Line pattern in spdlog syntax, with %_ (newlines escaped), %j (JSON-escaped), %* (tags).'),
  flag(LOGGING, 'log-format-escaped', 'switch', '', 'Escape control characters in log messages.'),
  flag(LOGGING, 'enable-fine-grain-logging', 'switch', '', 'Not supported: levels are per component.'),
  flag(IDENTITY, 'service-cluster', 'string', '<name>', 'node.cluster where the bootstrap leaves it empty.'),
  flag(IDENTITY, 'service-node', 'string', '<name>', 'node.id where the bootstrap leaves it empty.'),
  flag(IDENTITY, 'service-zone', 'string', '<name>', 'node.locality.zone where the bootstrap leaves it empty.'),
  flag(IDENTITY, 'stats-tag', 'list', '<tag:value>', 'A tag on every stat; may be given several times.'),
  flag(FILES, 'drain-time-s', 'unsigned', '<s>', 'Length of a drain sequence. Default 600.'),
  flag(FILES, 'drain-strategy', 'string', '<name>', 'gradual (default) or immediate.'),
  flag(FILES, 'file-flush-interval-msec', 'unsigned', '<ms>', 'Longest time an access-log line waits for its file. Default 10000.'),
  flag(FILES, 'file-flush-min-size-kb', 'unsigned', '<KiB>', 'Bytes of access log that are written without waiting. Default 64.'),
  flag(RESTART, 'base-id', 'unsigned', '<n>', 'Accepted, no effect: hot restart is not available.'),
  flag(RESTART, 'use-dynamic-base-id', 'switch', '', 'Accepted, no effect.'),
  flag(RESTART, 'base-id-path', 'string', '<file>', 'Write the base id to this file.'),
  flag(RESTART, 'restart-epoch', 'unsigned', '<n>', 'Only 0: hot restart is not available.'),
  flag(RESTART, 'disable-hot-restart', 'switch', '', 'Accepted: hot restart is always off.'),
  flag(RESTART, 'skip-hot-restart-on-no-parent', 'switch', '', 'Accepted, no effect.'),
  flag(RESTART, 'skip-hot-restart-parent-stats', 'switch', '', 'Accepted, no effect.'),
  flag(RESTART, 'parent-shutdown-time-s', 'unsigned', '<s>', 'Accepted, no effect. Default 900.'),
  flag(RESTART, 'socket-path', 'string', '<path>', 'Accepted, no effect. Default @envoy_domain_socket.'),
  flag(RESTART, 'socket-mode', 'string', '<octal>', 'Accepted, no effect. Default 600.'),
  flag(RESTART, 'hot-restart-version', 'switch', '', 'Print the hot restart version ("disabled") and exit.'),
  flag(OTHER, 'enable-mutex-tracing', 'switch', '', 'Accepted, no effect: there are no locks to trace.'),
  flag(OTHER, 'enable-core-dump', 'switch', '', 'Accepted, no effect: raise the limit with ulimit -c.'),
  flag(OTHER, 'version', 'switch', '', 'Print the version and exit.'),
  flag(OTHER, 'help', 'switch', '', 'Print this text and exit.', 'h'),
];

/** The text of `--help`. */
export function usageText(): string {
  return describeFlags([
    'USAGE: envoyts -c <file> [flags]',
    '       envoyts explain -c <file> [METHOD] <url> [flags]      where a request would go, and why',
    '       envoyts router-check -c <file> -t <tests> [flags]     checks routes against expectations',
    '',
    'An Envoy-compatible proxy. Flags take their value as "--flag value" or "--flag=value".',
  ], FLAGS);
}

/** The text of a command's --help: what stands above, then the flags by group. */
export function describeFlags(head: readonly string[], flags: readonly Flag[]): string {
  const lines = [...head];
  let group = '';
  for (const each of flags) {
    if (each.group !== group) {
      group = each.group;
      lines.push('', `${group}:`);
    }
    const names = `${each.short === '' ? '    ' : `-${each.short}, `}--${each.name}${each.value === '' ? '' : ` ${each.value}`}`;
    const wrapped = wrap(each.help, 100 - 42);
    lines.push(names.length > 39 ? `  ${names}` : `  ${names.padEnd(40)}${wrapped.shift() ?? ''}`);
    for (const line of wrapped) lines.push(`${' '.repeat(42)}${line}`);
  }
  return `${lines.join('\n')}\n`;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines;
}
