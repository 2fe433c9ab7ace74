/** `envoyts explain`: where a request would go under a configuration, and why. */
import type { DryRun } from '../../workers/protocol/dry_run.ts';
import { readFlags, UsageError } from '../bootstrap/flag_reader.ts';
import { describeFlags, type Flag, flag } from '../bootstrap/flags.ts';
import { loadBootstrap } from '../bootstrap/load_bootstrap.ts';
import { ConfigError } from '../config/config_error.ts';
import { buildConfig } from '../config/snapshot_builder.ts';
import type { CommandEnvironment } from './command_environment.ts';
import { ConfigLookup } from './config_lookup.ts';
import { explain } from './explain.ts';
import { DEFAULT_SOURCE_IP, type ExplainQuery, parseHeaderArgument, QueryError } from './explain_query.ts';
import { type ExplainSubject, subjectOfConfig } from './explain_subject.ts';
import { renderExplanation } from './explain_text.ts';

const REQUEST = 'Request';
const INPUT = 'Configuration';
const OUTPUT = 'Output';

const FLAGS: readonly Flag[] = [
  flag(INPUT, 'config-path', 'string', '<file>', 'Bootstrap file: .yaml/.yml, .pb (binary), .pb_text, anything else JSON.', 'c'),
  flag(INPUT, 'config-yaml', 'string', '<text>', 'Bootstrap as YAML or JSON text, merged over the file.'),
  flag(INPUT, 'listener', 'string', '<name>', 'The listener that gets the request. Default: the one with the port of the URL.'),
  flag(REQUEST, 'request', 'string', '<method>', 'Method; may stand before the URL as well. Default GET, with a body POST.', 'X'),
  flag(REQUEST, 'header', 'list', '<header>', "A header, 'Name: value'; may be given several times.", 'H'),
  flag(REQUEST, 'data-size', 'unsigned', '<bytes>', 'A body of so many bytes.', 'd'),
  flag(REQUEST, 'source-ip', 'string', '<ip>', 'Address that the connection comes from. Default 127.0.0.1.'),
  flag(REQUEST, 'internal', 'switch', '', 'The request counts as an internal one (x-envoy-internal).'),
  flag(REQUEST, 'random', 'unsigned', '<n>', "The stream's random number: weighted clusters, runtime fractions. Default 0."),
  flag(OUTPUT, 'all', 'switch', '', 'Every route that was asked, every endpoint, the request as it goes out.'),
  flag(OUTPUT, 'json', 'switch', '', 'The explanation as JSON.'),
  flag('Other', 'help', 'switch', '', 'Print this text and exit.', 'h'),
];

const HEAD = [
  "USAGE: envoyts explain -c <bootstrap> [METHOD] <url> [-H 'Name: value']... [flags]", '',
  'Says where a request would go, and why. Nothing is opened and nothing is sent: the request passes the code of live traffic in memory.',
];

/** Runs the command. Returns the exit code; what a user can cause is printed, not thrown. */
export function runExplain(argv: readonly string[], environment: CommandEnvironment, dryRun: DryRun): number {
  try {
    const values = readFlags(argv, { program: 'envoyts explain', flags: FLAGS, takesArguments: true });
    if (values.has('help')) {
      environment.writeStdout(describeFlags(HEAD, FLAGS));
      return 0;
    }
    const query = queryOf(values);
    const subject = loadSubject(values.text('config-path'), values.text('config-yaml'), environment, dryRun);
    const explanation = explain(query, subject);
    environment.writeStdout(values.has('json') ? `${JSON.stringify(explanation, null, 2)}\n` : renderExplanation(explanation, values.has('all')));
    return 0;
  } catch (error) {
    if (error instanceof QueryError) environment.writeStderr(`error: ${error.message}\n`);
    else if (error instanceof UsageError || error instanceof ConfigError) environment.writeStderr(`${error.message.trimEnd()}\n`);
    else throw error;
    return 1;
  }
}

function queryOf(values: ReturnType<typeof readFlags>): ExplainQuery {
  const { rest } = values;
  if (rest.length > 2) throw new UsageError(`error: a method and a URL are wanted, not ${rest.length} arguments`);
  if (rest.length === 2 && values.has('request')) throw new UsageError('error: the method is given twice');
  return {
    method: rest.length === 2 ? rest[0] : values.text('request'),
    url: rest.at(-1) ?? '',
    headers: values.list('header').map(parseHeaderArgument),
    bodyBytes: values.number('data-size', -1),
    sourceIp: values.text('source-ip', DEFAULT_SOURCE_IP),
    listener: values.text('listener'),
    isInternal: values.has('internal'),
    random: values.number('random', 0),
  };
}

/** @throws ConfigError */
function loadSubject(configPath: string, configYaml: string, environment: CommandEnvironment, dryRun: DryRun): ExplainSubject {
  const source = { configPath, configYaml, allowUnknownStaticFields: false, skipDeprecatedLogs: true };
  const loaded = loadBootstrap(source, environment.loadDescriptors());
  if (loaded.problems.hasErrors) throw new ConfigError(loaded.problems.errors());
  const config = buildConfig(loaded.message, [], loaded.context(environment.registry));
  loaded.finish();
  if (loaded.problems.hasErrors) throw new ConfigError(loaded.problems.errors());
  return subjectOfConfig(config, new ConfigLookup(loaded), dryRun, environment.nowMs);
}
