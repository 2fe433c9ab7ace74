/**
 * Parses substitution format strings: literal text with `%NAME%`, `%NAME(arguments)%`, `%NAME(arguments):length%` and `%%`.
 * Grammar: configuration/observability/access_log/usage, "Command operators". Control plane: allocation does not matter.
 */

export interface LiteralToken {
  readonly kind: 'literal';
  readonly text: string;
}

export interface OperatorToken {
  readonly kind: 'operator';
  readonly name: string;
  /** What stands between the parentheses; '' when there are none. */
  readonly args: string;
  /** Maximum length in bytes, -1 = none. */
  readonly maxLength: number;
  /** Offset of the opening percent sign, for messages. */
  readonly position: number;
}

export type FormatToken = LiteralToken | OperatorToken;

/** Called for each mistake with a sentence. */
export type FormatErrorReporter = (text: string) => void;

const OPERATOR = /%([A-Z0-9_]+)(?:\((.*?)\))?(?::([0-9]+))?%/y;

/** The tokens of a format; neighbouring literals are one. Every mistake is reported, parsing goes on after it. */
export function parseFormatString(format: string, report: FormatErrorReporter): FormatToken[] {
  const tokens: FormatToken[] = [];
  let literal = '';
  let p = 0;
  /** The percent sign after a mistake most likely closes what was meant: it is no second mistake. */
  let isAfterMistake = false;
  while (p < format.length) {
    const percent = format.indexOf('%', p);
    if (percent < 0) {
      literal += format.slice(p);
      break;
    }
    literal += format.slice(p, percent);
    if (format[percent + 1] === '%') {
      literal += '%';
      p = percent + 2;
      continue;
    }
    const token = parseOperator(format, percent);
    if (token === undefined) {
      if (!isAfterMistake) report(describeMistake(format, percent));
      isAfterMistake = !isAfterMistake;
      p = percent + 1;
      continue;
    }
    if (literal !== '') tokens.push({ kind: 'literal', text: literal });
    literal = '';
    tokens.push(token.operator);
    isAfterMistake = false;
    p = token.end;
  }
  if (literal !== '') tokens.push({ kind: 'literal', text: literal });
  return tokens;
}

function parseOperator(format: string, at: number): { operator: OperatorToken; end: number } | undefined {
  OPERATOR.lastIndex = at;
  const match = OPERATOR.exec(format);
  if (match === null) return undefined;
  const maxLength = match[3] === undefined ? -1 : Math.min(Number(match[3]), 0x7fffffff);
  return { operator: { kind: 'operator', name: match[1], args: match[2] ?? '', maxLength, position: at }, end: OPERATOR.lastIndex };
}

function describeMistake(format: string, at: number): string {
  const rest = format.slice(at, at + 40);
  const where = `at position ${at} (${JSON.stringify(rest)})`;
  const lower = /^%([A-Za-z0-9_]+)/.exec(rest);
  if (lower !== null && /[a-z]/.test(lower[1])) return `operator names are upper case: %${lower[1]} ${where}`;
  const open = /^%[A-Z0-9_]+\(/.test(rest);
  if (open && !format.slice(at).includes(')')) return `a parenthesis is not closed ${where}`;
  return `a percent sign begins no operator ${where}; expected %NAME%, %NAME(arguments)% or %NAME(arguments):length%; a literal percent sign is written %%`;
}
