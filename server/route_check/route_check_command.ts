/** `envoyts router-check`: checks routes against expectations, with the flags and files of Envoy's router check tool. */
import { UsageError, readFlags } from '../bootstrap/flag_reader.ts';
import { describeFlags, type Flag, flag } from '../bootstrap/flags.ts';
import { ConfigError, renderProblemLine } from '../config/config_error.ts';
import type { CommandEnvironment } from '../explain/command_environment.ts';
import { percentText, renderResult, renderUncovered } from './check_report.ts';
import { encodeResults } from './check_result_proto.ts';
import { loadTests } from './check_tests.ts';
import { CheckError, loadRouteConfig } from './load_route_config.ts';
import { RouteChecker } from './route_checker.ts';

const INPUT = 'Input';
const OUTPUT = 'Output';
const COVERAGE = 'Coverage';

const FLAGS: readonly Flag[] = [
  flag(INPUT, 'config-path', 'string', '<file>', 'A route configuration, or a whole bootstrap: .yaml/.yml, .pb, .pb_text, anything else JSON.', 'c'),
  flag(INPUT, 'test-path', 'string', '<file>', 'The tests (envoy.RouterCheckToolSchema.Validation), in the same formats.', 't'),
  flag(INPUT, 'listener', 'string', '<name>', 'Of a bootstrap: the listener whose routes are meant.'),
  flag(INPUT, 'route-config', 'string', '<name>', 'Of a bootstrap: the route configuration that is meant.'),
  flag(INPUT, 'disable-deprecation-check', 'switch', '', 'No warnings for deprecated fields.'),
  flag(OUTPUT, 'details', 'switch', '', 'Name the tests that passed, too.', 'd'),
  flag(OUTPUT, 'only-show-failures', 'switch', '', 'Failed tests only, also with --details and in the output file.'),
  flag(OUTPUT, 'output-path', 'string', '<file>', 'Write the results (ValidationResult): .json as JSON, anything else as a binary proto.', 'o'),
  flag(COVERAGE, 'fail-under', 'string', '<percent>', 'Fail when less of the routes is covered.', 'f'),
  flag(COVERAGE, 'covall', 'switch', '', 'Measure everything that can be checked of a route; name routes without tests.'),
  flag(COVERAGE, 'detailed-coverage', 'switch', '', 'Name routes without tests.'),
  flag('Other', 'help', 'switch', '', 'Print this text and exit.', 'h'),
];

const HEAD = ['USAGE: envoyts router-check -c <routes> -t <tests> [flags]', '', "Checks where requests go, as Envoy's router check tool does. Exit code 1 when a test fails."];

interface CheckOptions {
  readonly configPath: string;
  readonly testPath: string;
  readonly listener: string;
  readonly routeConfig: string;
  readonly skipDeprecated: boolean;
  readonly showsPassed: boolean;
  readonly onlyFailures: boolean;
  readonly outputPath: string;
  /** Percent; 0 = no limit. */
  readonly failUnder: number;
  readonly isComprehensive: boolean;
  readonly namesUncovered: boolean;
}

/** Runs the command. Returns the exit code; what a user can cause is printed, not thrown. */
export function runRouteCheck(argv: readonly string[], environment: CommandEnvironment): number {
  try {
    const options = parseOptions(argv);
    if (options === undefined) {
      environment.writeStdout(describeFlags(HEAD, FLAGS));
      return 0;
    }
    return check(options, environment);
  } catch (error) {
    if (error instanceof UsageError || error instanceof CheckError) environment.writeStderr(`${error.message.trimEnd()}\n`);
    else if (error instanceof ConfigError) environment.writeStderr(`${error.message}\n`);
    else throw error;
    return 1;
  }
}

/** undefined: --help. */
function parseOptions(argv: readonly string[]): CheckOptions | undefined {
  const values = readFlags(argv, { program: 'envoyts router-check', flags: FLAGS, takesArguments: false });
  if (values.has('help')) return undefined;
  if (!values.has('config-path') || !values.has('test-path')) throw new UsageError('error: Both --config-path/c and --test-path/t are mandatory');
  const failUnder = Number(values.text('fail-under', '0'));
  if (!(failUnder >= 0 && failUnder <= 100)) throw new UsageError(`error: --fail-under wants a percentage, not '${values.text('fail-under')}'`);
  const onlyFailures = values.has('only-show-failures');
  return {
    configPath: values.text('config-path'), testPath: values.text('test-path'),
    listener: values.text('listener'), routeConfig: values.text('route-config'),
    skipDeprecated: values.has('disable-deprecation-check'),
    onlyFailures, showsPassed: values.has('details') && !onlyFailures,
    outputPath: values.text('output-path'), failUnder,
    isComprehensive: values.has('covall'), namesUncovered: values.has('covall') || values.has('detailed-coverage'),
  };
}

function check(options: CheckOptions, environment: CommandEnvironment): number {
  const descriptors = environment.loadDescriptors();
  const { config, warnings } = loadRouteConfig({ ...options, path: options.configPath }, descriptors, environment.registry);
  for (const warning of warnings.warnings()) environment.writeStderr(`warning: ${renderProblemLine(warning)}\n`);
  const checker = new RouteChecker(config, environment.nowMs);
  const results = loadTests(options.testPath, descriptors, environment.registry).map((test) => checker.run(test));
  const failed = results.filter((result) => result.failures.length > 0);
  for (const result of results) if (result.failures.length > 0 || options.showsPassed) environment.writeStdout(renderResult(result));
  environment.writeStdout(`${results.length} tests, ${results.length - failed.length} passed, ${failed.length} failed\n`);
  if (options.outputPath !== '') {
    const content = encodeResults(options.onlyFailures ? failed : results, options.outputPath.endsWith('.json'), descriptors);
    writeOutput(options.outputPath, content, environment);
  }
  return failed.length > 0 ? 1 : reportCoverage(checker, options, environment);
}

function reportCoverage({ coverage }: RouteChecker, options: CheckOptions, environment: CommandEnvironment): number {
  if (options.namesUncovered) for (const route of coverage.uncovered()) environment.writeStdout(renderUncovered(route));
  const percent = options.isComprehensive ? coverage.comprehensivePercent() : coverage.percent();
  environment.writeStdout(`Current route coverage: ${percentText(percent)}%\n`);
  if (percent >= options.failUnder) return 0;
  environment.writeStderr(`Failed to meet coverage requirement: ${percentText(options.failUnder)}%\n`);
  return 1;
}

function writeOutput(path: string, content: Uint8Array | string, environment: CommandEnvironment): void {
  try {
    environment.writeFile(path, content);
  } catch (error) {
    throw new CheckError(`Failed to open file for write ${path} (${error instanceof Error ? error.message : String(error)})`);
  }
}
