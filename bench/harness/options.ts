/** What one call of the benchmark does. */
export interface BenchOptions {
  /** macro: load scenarios; idle: memory and start; syscalls: system calls per request. */
  readonly mode: 'macro' | 'idle' | 'syscalls';
  /** Scenario names; empty means all of the mode. */
  readonly scenarios: readonly string[];
  /** Peer names; empty means every one that is present. */
  readonly peers: readonly string[];
  /** Length of one measured run, seconds. */
  readonly seconds: number;
  /** Measured runs of each peer and scenario. */
  readonly runs: number;
  /** Idle keep-alive connections opened by --idle. */
  readonly connections: number;
  /** Where the JSON result goes, if anywhere. */
  readonly jsonPath: string | undefined;
  /** auto: wrk if present; autocannon forces the fallback. */
  readonly driver: 'auto' | 'autocannon';
  /** auto: the C origin if a compiler is present; node forces the fallback. */
  readonly origin: 'auto' | 'node';
  /** auto: /proc where there is one; probe forces process.resourceUsage (Node peers only). */
  readonly accounting: 'auto' | 'probe';
  readonly help: boolean;
}

export const USAGE = `npm run bench -- [options]
  --scenario a,b     only these scenarios (default: all)
  --peer a,b         only these proxies (default: all that are present)
  --seconds N        length of one measured run (default 8)
  --runs N           measured runs per proxy and scenario, interleaved (default 3)
  --json FILE        write the result as JSON too
  --idle             instead: idle memory, memory per idle connection, start time
  --connections N    idle connections for --idle (default 10000)
  --syscalls         instead: system calls per request
  --driver autocannon, --origin node, --accounting probe
                     force the fallbacks that are used where wrk, a C compiler or /proc are missing
Compare two results: node bench/harness/compare.ts before.json after.json`;

/** Parses the arguments after the script name. Throws an Error with one sentence on a bad one. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const values = new Map<string, string>();
  const switches = new Set<string>();
  for (let i = 0; i < args.length; i++) {
    const [name = '', inline] = splitOnce(args[i] ?? '');
    if (SWITCHES.has(name)) {
      switches.add(name);
      continue;
    }
    if (!VALUES.has(name)) throw new Error(`unknown option ${name}; see --help`);
    const value = inline ?? args[++i];
    if (value === undefined) throw new Error(`${name} needs a value`);
    values.set(name, value);
  }
  if (switches.has('--idle') && switches.has('--syscalls')) throw new Error('--idle and --syscalls exclude each other');
  return {
    mode: switches.has('--idle') ? 'idle' : switches.has('--syscalls') ? 'syscalls' : 'macro',
    scenarios: names(values.get('--scenario')),
    peers: names(values.get('--peer')),
    seconds: count('--seconds', values.get('--seconds'), 8),
    runs: count('--runs', values.get('--runs'), 3),
    connections: count('--connections', values.get('--connections'), 10_000),
    jsonPath: values.get('--json'),
    driver: oneOf('--driver', values.get('--driver'), ['auto', 'autocannon'] as const),
    origin: oneOf('--origin', values.get('--origin'), ['auto', 'node'] as const),
    accounting: oneOf('--accounting', values.get('--accounting'), ['auto', 'probe'] as const),
    help: switches.has('--help') || switches.has('-h'),
  };
}

const SWITCHES = new Set(['--idle', '--syscalls', '--help', '-h']);
const VALUES = new Set([
  '--scenario', '--peer', '--seconds', '--runs', '--connections', '--json', '--driver', '--origin', '--accounting',
]);

function splitOnce(argument: string): [string, string | undefined] {
  const at = argument.startsWith('--') ? argument.indexOf('=') : -1;
  return at < 0 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)];
}

function names(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(',').filter((name) => name !== '');
}

function count(name: string, value: string | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  const parsed = Number(value);
  if (!Number.isInteger(parsed) || parsed < 1) throw new Error(`${name} must be a whole number from 1, not ${value}`);
  return parsed;
}

function oneOf<const T extends string>(name: string, value: string | undefined, allowed: readonly [T, ...T[]]): T {
  if (value === undefined) return allowed[0];
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw new Error(`${name} must be one of ${allowed.join(', ')}, not ${value}`);
  return found;
}
