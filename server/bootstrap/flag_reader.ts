/** Splits a command line into flags and values, with the messages of Envoy's parser. Pure. */
import { nearestName } from '../../core/api/nearest_name.ts';
import type { Flag } from './flags.ts';

/** A refusal; its message is what goes to stderr. */
export class UsageError extends Error {}

/** The flags of one command. */
export interface FlagSet {
  /** What the user types to get it: `envoyts`, `envoyts explain`. */
  readonly program: string;
  readonly flags: readonly Flag[];
  /** Whether arguments that are no flags are taken (else they are refused). */
  readonly takesArguments: boolean;
}

/**
 * Reads argv (without the program). Only structure is checked here.
 * @throws UsageError
 */
export function readFlags(argv: readonly string[], set: FlagSet): ValueReader {
  const values = new Map<string, readonly string[]>();
  const rest: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const argument = argv[i];
    if (set.takesArguments && (!argument.startsWith('-') || argument === '-')) {
      rest.push(argument);
      continue;
    }
    const equals = argument.startsWith('--') ? argument.indexOf('=') : -1;
    const typed = equals < 0 ? argument : argument.slice(0, equals);
    const found = findFlag(typed, set.flags);
    if (found === undefined) throw unknownArgument(argument, typed, set);
    const shown = `${found.short === '' ? '' : `-${found.short} `}(--${found.name})`;
    const earlier = values.get(found.name) ?? [];
    if (earlier.length > 0 && found.kind !== 'list') throw parseError(set, shown, 'Argument already set!');
    if (found.kind === 'switch') {
      if (equals >= 0) throw parseError(set, argument, `--${found.name} takes no value`);
      values.set(found.name, ['true']);
      continue;
    }
    let value: string;
    if (equals >= 0) {
      value = argument.slice(equals + 1);
    } else {
      i++;
      if (i >= argv.length) throw parseError(set, shown, 'Missing a value for this argument!');
      value = argv[i];
    }
    if (found.kind === 'unsigned' && !isUnsigned32(value)) throw parseError(set, shown, `Couldn't read argument value from string '${value}'`);
    values.set(found.name, [...earlier, value]);
  }
  return new ValueReader(values, rest);
}

/** Typed access to what was given. */
export class ValueReader {
  /** What was no flag, in order. */
  readonly rest: readonly string[];
  private readonly values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>, rest: readonly string[]) {
    this.values = values;
    this.rest = rest;
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  text(name: string, fallback = ''): string {
    return this.values.get(name)?.[0] ?? fallback;
  }

  number(name: string, fallback: number): number {
    const text = this.values.get(name)?.[0];
    return text === undefined ? fallback : Number(text);
  }

  list(name: string): readonly string[] {
    return this.values.get(name) ?? [];
  }
}

function findFlag(typed: string, flags: readonly Flag[]): Flag | undefined {
  if (typed.startsWith('--')) return flags.find((flag) => flag.name === typed.slice(2));
  return flags.find((flag) => flag.short !== '' && typed === `-${flag.short}`);
}

function unknownArgument(argument: string, typed: string, set: FlagSet): UsageError {
  const near = typed.startsWith('-') ? nearestName(typed.replace(/^-+/, ''), set.flags.map((flag) => flag.name)) : undefined;
  return parseError(set, argument, "Couldn't find match for argument", near === undefined ? '' : `Did you mean --${near}?`);
}

function parseError(set: FlagSet, argument: string, text: string, hint = ''): UsageError {
  return new UsageError(
    `PARSE ERROR: Argument: ${argument}\n             ${text}\n${hint === '' ? '' : `             ${hint}\n`}` +
    `\nFor complete USAGE and HELP type: \n   ${set.program} --help\n`,
  );
}

function isUnsigned32(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) <= 0xffffffff;
}
