import { type Field, JsonKind, MISSING } from './field.ts';
import type { FormatContext } from './format_context.ts';
import type { FormatEnvironment } from './format_environment.ts';
import type { OperatorToken } from './format_parser.ts';

/** %COALESCE({"operators":[...]})%: the first of several operators that has a value. */
class CoalesceField implements Field {
  readonly jsonKind = JsonKind.string;
  readonly needsRequestHeaders: boolean;
  readonly needsResponseHeaders: boolean;
  private readonly fields: readonly Field[];
  private readonly maxLengths: readonly number[];

  constructor(fields: readonly Field[], maxLengths: readonly number[]) {
    this.needsRequestHeaders = fields.some((field) => field.needsRequestHeaders);
    this.needsResponseHeaders = fields.some((field) => field.needsResponseHeaders);
    this.fields = fields;
    this.maxLengths = maxLengths;
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    for (let i = 0; i < this.fields.length; i++) {
      const end = this.fields[i].write(bytes, at, context);
      if (end < 0) continue;
      const max = this.maxLengths[i];
      return max >= 0 && end - at > max ? at + max : end;
    }
    return MISSING;
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}

/** Compiles the JSON arguments: each operator is a name, or an object with `command`, `param` and `max_length`. */
export function coalesceOperator(
  args: string,
  environment: FormatEnvironment,
  build: (token: OperatorToken, environment: FormatEnvironment) => Field | string,
): Field | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(args);
  } catch {
    return 'the arguments are not valid JSON; expected {"operators":["NAME",{"command":"NAME","param":"ARGUMENTS"}]}';
  }
  const operators = typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>)['operators'] : undefined;
  if (!Array.isArray(operators) || operators.length === 0) return 'expected a non-empty list "operators"';
  const fields: Field[] = [];
  const maxLengths: number[] = [];
  for (const [index, operator] of operators.entries()) {
    const token = tokenOf(operator);
    if (token === undefined) return `operators[${index}] is neither a name nor an object with "command"`;
    const field = build(token, environment);
    if (typeof field === 'string') return `operators[${index}]: ${field}`;
    fields.push(field);
    maxLengths.push(token.maxLength);
  }
  return new CoalesceField(fields, maxLengths);
}

function tokenOf(operator: unknown): OperatorToken | undefined {
  if (typeof operator === 'string') return { kind: 'operator', name: operator, args: '', maxLength: -1, position: 0 };
  if (typeof operator !== 'object' || operator === null) return undefined;
  const { command, param, max_length: maxLength } = operator as Record<string, unknown>;
  if (typeof command !== 'string') return undefined;
  return {
    kind: 'operator', name: command, args: typeof param === 'string' ? param : '',
    maxLength: typeof maxLength === 'number' ? maxLength : -1, position: 0,
  };
}
