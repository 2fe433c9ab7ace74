import { describe, expect, it } from 'vitest';
import { LogLevel } from '../../core/log/log_level.ts';
import { FLAGS } from './flags.ts';
import { type Options, type OptionsEnvironment, parseCommandLine } from './options.ts';

const ENVIRONMENT: OptionsEnvironment = { availableParallelism: 3, io: undefined, log: undefined, version: 'sha/1.2.3/Clean/RELEASE/TLS' };

function options(...argv: string[]): Options {
  const parsed = parseCommandLine(argv, ENVIRONMENT);
  if (parsed.kind === 'exit') throw new Error(parsed.stderr);
  return parsed.options;
}

function refusal(...argv: string[]): string {
  const parsed = parseCommandLine(argv, ENVIRONMENT);
  if (parsed.kind === 'run') throw new Error('was accepted');
  expect(parsed.code).toBe(1);
  expect(parsed.stdout).toBe('');
  return parsed.stderr;
}

describe('the command line', () => {
  it('has the defaults that Envoy has', () => {
    expect(options('-c', 'e.yaml')).toMatchObject({
      configPath: 'e.yaml', configYaml: '', mode: 'serve', concurrency: 3, logLevel: LogLevel.info, drainTimeSec: 600, drainStrategy: 'gradual',
      fileFlushIntervalMs: 10_000, fileFlushMinSizeKb: 64, baseId: 0, parentShutdownTimeSec: 900, socketPath: '@envoy_domain_socket',
      socketMode: 0o600, localAddressIpVersion: 'v4', logFormat: '[%Y-%m-%d %T.%e][%t][%l][%n] [%g:%#] %v', isLogFormatSet: false, io: 'auto',
    });
  });

  it('takes values after a space, after "=" and in short form', () => {
    expect(options('--config-path', 'a', '-l', 'debug').configPath).toBe('a');
    expect(options('--config-path=a=b', '--log-level=trace')).toMatchObject({ configPath: 'a=b', logLevel: LogLevel.trace });
    expect(options('--config-yaml', '').configYaml).toBe('');
  });

  it.each(FLAGS.filter((flag) => flag.kind !== 'switch').map((flag) => flag.name))('says that --%s lacks its value', (name) => {
    expect(refusal(`--${name}`)).toContain('Missing a value for this argument!');
  });

  it('makes at least one worker', () => {
    expect(options('--concurrency', '0').concurrency).toBe(1);
    expect(options('--concurrency', '12').concurrency).toBe(12);
  });

  it.each([
    ['warn', LogLevel.warning], ['warning', LogLevel.warning], ['error', LogLevel.error], ['critical', LogLevel.critical], ['off', LogLevel.off],
  ])('knows the level %s', (name, level) => {
    expect(options('-l', name).logLevel).toBe(level);
  });

  it('sets levels of single components, from the flag before the environment', () => {
    const levels = options('--component-log-level', 'upstream:debug,http:trace').componentLogLevels;
    expect(levels.map(({ level }) => level)).toEqual([LogLevel.debug, LogLevel.trace]);
    const fromEnvironment = parseCommandLine([], { ...ENVIRONMENT, log: 'http:error' });
    expect(fromEnvironment.kind === 'run' && fromEnvironment.options.componentLogLevels[0]?.level).toBe(LogLevel.error);
  });

  it('collects stat tags', () => {
    expect(options('--stats-tag', 'a:b:c', '--stats-tag', 'd:').statsTags).toEqual([{ name: 'a', value: 'b:c' }, { name: 'd', value: '' }]);
  });

  it.each<[string, string[], string]>([
    ['a mode', ['--mode', 'foo'], "error: unknown mode 'foo'\n"],
    ['a level', ['-l', 'foo'], "error: invalid log level specified 'foo'\n"],
    ['a component', ['--component-log-level', 'nope:debug'], "error: invalid component specified 'nope'\n"],
    ['a component without level', ['--component-log-level', 'http'], "error: component log level not correctly specified 'http'\n"],
    ['a component with a bad level', ['--component-log-level', 'http:foo'], "error: invalid log level specified 'foo'\n"],
    ['an address family', ['--local-address-ip-version', 'v5'], "error: unknown IP address version 'v5'\n"],
    ['a tag', ['--stats-tag', 'x'], "error: misformatted stats-tag 'x'\n"],
    ['a tag name', ['--stats-tag', 'a_b:c'], "error: misformatted stats-tag 'a_b:c' contains invalid char in 'a_b'\n"],
    ['a tag value', ['--stats-tag', 'ab:c.d'], "error: misformatted stats-tag 'ab:c.d' contains invalid char in 'c.d'\n"],
    ['a dynamic base id after a restart', ['--use-dynamic-base-id', '--restart-epoch', '1'], 'error: cannot use --restart-epoch=1 with --use-dynamic-base-id\n'],
    ['a strategy', ['--drain-strategy', 'slow'], "error: unknown drain-strategy 'slow'\n"],
  ])('refuses %s that is wrong', (_, argv, text) => {
    expect(refusal(...argv)).toBe(text);
  });

  it('refuses a second value, a bad number and a stray word', () => {
    expect(refusal('-l', 'info', '--log-level', 'info')).toContain('Argument: -l (--log-level)\n             Argument already set!');
    expect(refusal('--concurrency', 'x')).toContain("Couldn't read argument value from string 'x'");
    expect(refusal('--concurrency', '4294967296')).toContain("Couldn't read argument value");
    expect(refusal('stray')).toContain("Argument: stray\n             Couldn't find match for argument");
    expect(refusal('--version=1')).toContain('takes no value');
  });

  it('names the nearest flag for one that does not exist', () => {
    expect(refusal('--concurency', '2')).toContain('Did you mean --concurrency?');
    expect(refusal('--zzzzzzzzzz')).not.toContain('Did you mean');
  });

  it('refuses what needs hot restart, and accepts the rest of its flags with one sentence', () => {
    expect(refusal('--restart-epoch', '2')).toMatch(/hot restart is not available/);
    const parsed = parseCommandLine(['--base-id', '3', '--disable-hot-restart', '--restart-epoch', '0', '--socket-path', '@x'], ENVIRONMENT);
    expect(parsed.kind === 'run' && parsed.notices).toEqual(['--base-id, --socket-path: no effect, hot restart is not available']);
  });

  it('refuses per-file log levels', () => {
    expect(refusal('--enable-fine-grain-logging')).toMatch(/^error: --enable-fine-grain-logging is refused/);
    expect(refusal('--enable-fine-grain-logging', '--component-log-level', 'http:debug')).toBe('error: --component-log-level will not work with --enable-fine-grain-logging\n');
  });

  it('says nothing about flags that work', () => {
    const parsed = parseCommandLine(['-c', 'x', '--drain-time-s', '5', '--mode', 'validate', '--disable-hot-restart'], ENVIRONMENT);
    expect(parsed.kind === 'run' && parsed.notices).toEqual([]);
  });

  it('prints the version, the hot restart version and a help that names every flag', () => {
    expect(parseCommandLine(['--version'], ENVIRONMENT)).toEqual({
      kind: 'exit', code: 0, stdout: '\nenvoyts  version: sha/1.2.3/Clean/RELEASE/TLS\n\n', stderr: '',
    });
    expect(parseCommandLine(['--hot-restart-version'], ENVIRONMENT)).toMatchObject({ code: 0, stdout: 'disabled\n' });
    const help = parseCommandLine(['-h'], ENVIRONMENT);
    if (help.kind !== 'exit') throw new Error('no help');
    expect(help.code).toBe(0);
    for (const flag of FLAGS) expect(help.stdout).toContain(`--${flag.name}`);
    for (const line of help.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });
});
