import type { Instance, LoggingControl } from '../../server/instance.ts';
import { choice, streamReply, text, TEXT, type AdminHandler, type AdminReply, type BodyPieces } from '../handler.ts';
import type { QueryParams } from '../query_params.ts';

const LEVELS: readonly string[] = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'];

const USAGE = 'usage: /logging?<name>=<level> (change single level)\n'
  + 'usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)\n'
  + 'usage: /logging?level=<level> (change all levels)\n'
  + `levels: ${LEVELS.join(' ')} \n`;

/** `/logging`: shows and changes the levels of the process log. */
export function loggingHandler(instance: Instance): AdminHandler {
  return {
    path: '/logging',
    help: 'query/change logging levels',
    mutates: true,
    params: [
      text('paths', 'Change multiple logging levels by setting to <logger_name1>:<desired_level1>,<logger_name2>:<desired_level2>. '
        + 'If fine grain logging is enabled, use __FILE__ or a glob experision as the logger name. For example, source/common*:warning'),
      choice('level', "desired logging level, this will change all loggers's level", ['', ...LEVELS]),
    ],
    handle: ({ params }) => answer(instance.logging, params),
  };
}

function answer(logging: LoggingControl, params: QueryParams): AdminReply {
  const error = change(logging, params);
  if (error === undefined) return streamReply(TEXT, levelsText(logging));
  return { status: 400, contentType: TEXT, body: errorText(error, logging), afterSent: undefined };
}

function* errorText(error: string, logging: LoggingControl): BodyPieces {
  yield `error: ${error}\n\n${USAGE}`;
  yield* levelsText(logging);
}

function* levelsText(logging: LoggingControl): BodyPieces {
  yield 'active loggers:\n';
  for (const { logger, level } of logging.levels()) yield `  ${logger}: ${level}\n`;
  yield '\n';
}

/** Does what the parameters say, all of it or nothing; returns what is wrong with them. */
function change(logging: LoggingControl, params: QueryParams): string | undefined {
  // A form always sends both fields, one of them empty.
  const given = params.entries.filter(([name, value]) => !((name === 'level' || name === 'paths') && value === ''));
  if (given.length === 0) return undefined;
  if (given.length > 1) return 'invalid number of parameters';
  const [name, value] = given[0];
  if (name === 'level') {
    if (!LEVELS.includes(value)) return 'unknown logger level';
    logging.setAll(value);
    return undefined;
  }
  return setLevels(logging, name === 'paths' ? value.split(',') : [`${name}:${value}`], name === 'paths');
}

function setLevels(logging: LoggingControl, pairs: readonly string[], isList: boolean): string | undefined {
  const changes: (readonly [string, string])[] = [];
  for (const pair of pairs) {
    const colon = pair.lastIndexOf(':');
    const logger = pair.slice(0, Math.max(0, colon));
    const level = pair.slice(colon + 1);
    if (isList && (colon <= 0 || level === '')) return 'empty logger name or empty logger level';
    if (!LEVELS.includes(level)) return 'unknown logger level';
    changes.push([logger, level]);
  }
  const known = new Set(logging.levels().map((entry) => entry.logger));
  if (changes.some(([logger]) => !known.has(logger))) return 'unknown logger name';
  for (const [logger, level] of changes) logging.setLevel(logger, level);
  return undefined;
}
