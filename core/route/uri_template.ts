/** URI templates (envoy.extensions.path.match.uri_template): patterns such as `/videos/{id}/*.m3u8` as regexes, and rewrites by their variables. */

/** What a template matches, as RE2 syntax over the path without query. */
export interface CompiledTemplate {
  /** Without groups. */
  readonly regex: string;
  /** Each variable a capturing group, in order. */
  readonly capturing: string;
  readonly variables: readonly string[];
}

/** Parts of a rewrite: literal text, or the number of the variable whose value stands there. */
export type RewritePart = string | number;

const VARIABLES_MAX = 5;
const VARIABLE_NAME_MAX = 16;
/** pchar of RFC 3986. */
const LITERAL = "a-zA-Z0-9-._~%!$&'()+,;:@=*";
const SEGMENT = `[${LITERAL}]+`;
const REST = `[${LITERAL}/]*`;
const IS_LITERAL = /^[a-zA-Z0-9\-._~%!$&'()+,;:@=*]+$/;
const IS_REWRITE_LITERAL = /^[a-zA-Z0-9\-._~%!$&'()+,;:@=*/]+$/;
const IS_NAME = /^[a-zA-Z][a-zA-Z0-9_]*$/;

/** Thrown with Envoy's reason when a template is not one. Config time. */
export class TemplateError extends Error {}

/** Parses a path template; throws a TemplateError. */
export function compileTemplate(template: string): CompiledTemplate {
  return new TemplateParser(template).parse();
}

class TemplateParser {
  private readonly template: string;
  private at = 1;
  private regex = '/';
  private capturing = '/';
  private sawRest = false;
  /** The first operator after `**`: reported when all else is right. */
  private globAfterRest: string | null = null;
  private readonly variables: string[] = [];

  constructor(template: string) {
    this.template = template;
  }

  parse(): CompiledTemplate {
    const text = this.template;
    if (!/^\/[!-~]*$/.test(text)) throw new TemplateError(`Invalid pattern: "${text}"`);
    while (this.at < text.length) {
      if (text[this.at] === '*') this.emit(this.operator());
      else if (text[this.at] === '{') this.variable();
      else this.emit(quote(this.literal()));
      if (this.at === text.length) break;
      if (text[this.at] !== '/') {
        this.suffix();
        break;
      }
      this.emit('/');
      this.at++;
    }
    this.checkVariables();
    if (this.globAfterRest !== null) throw new TemplateError(this.globAfterRest);
    return { regex: this.regex, capturing: this.capturing, variables: this.variables };
  }

  private emit(regex: string): void {
    this.regex += regex;
    this.capturing += regex;
  }

  /** `*` or `**`. */
  private operator(): string {
    const isRest = this.template.startsWith('**', this.at);
    this.at += isRest ? 2 : 1;
    return this.glob(isRest, 'Glob after text glob.');
  }

  private glob(isRest: boolean, reason: string): string {
    if (this.sawRest) this.globAfterRest ??= reason;
    this.sawRest = isRest;
    return isRest ? REST : SEGMENT;
  }

  private literal(): string {
    const slash = this.template.indexOf('/', this.at);
    const literal = this.template.slice(this.at, slash < 0 ? undefined : slash);
    if (!IS_LITERAL.test(literal)) throw new TemplateError(`Invalid literal: "${literal}"`);
    this.at += literal.length;
    return literal;
  }

  private suffix(): void {
    this.emit(quote(this.literal()));
    if (this.at < this.template.length) throw new TemplateError('Prefix match not supported.');
  }

  /** `{name}`, `{name=a/*}`. */
  private variable(): void {
    const text = this.template;
    const close = text.indexOf('}', this.at);
    if (text.length - this.at < 2) throw new TemplateError(`Invalid variable: "${text.slice(this.at)}"`);
    if (close < 0) throw new TemplateError(`Unmatched variable bracket in "${text.slice(this.at)}"`);
    const inside = text.slice(this.at + 1, close);
    this.at = close + 1;
    const equals = inside.indexOf('=');
    const name = equals < 0 ? inside : inside.slice(0, equals);
    if (!IS_NAME.test(name)) throw new TemplateError(`Invalid variable name: "${name}"`);
    const regex = equals < 0 ? this.glob(false, 'Implicit variable path glob after text glob.') : this.variablePattern(inside.slice(equals + 1));
    this.variables.push(name);
    this.regex += regex;
    this.capturing += `(${regex})`;
  }

  private variablePattern(pattern: string): string {
    if (pattern === '') throw new TemplateError('Empty variable match');
    let regex = '';
    let rest = pattern;
    for (;;) {
      const part = rest.startsWith('**') ? '**' : rest.startsWith('*') ? '*' : rest.split('/', 1)[0] ?? '';
      if (part === '*' || part === '**') regex += this.glob(part === '**', 'Glob after text glob.');
      else if (IS_LITERAL.test(part)) regex += quote(part);
      else throw new TemplateError(`Invalid literal: "${part}"`);
      rest = rest.slice(part.length);
      if (rest === '') return regex;
      if (rest[0] !== '/' || rest.length === 1) throw new TemplateError(`Invalid variable match: "${rest}"`);
      regex += '/';
      rest = rest.slice(1);
    }
  }

  private checkVariables(): void {
    const seen = new Set<string>();
    for (const name of this.variables) {
      if (seen.size >= VARIABLES_MAX) throw new TemplateError('Exceeded variable count limit (5)');
      if (name.length > VARIABLE_NAME_MAX) throw new TemplateError(`Invalid variable name length (length of "${name}" should be at least 1 and no more than 16)`);
      if (seen.has(name)) throw new TemplateError(`Repeated variable name: "${name}"`);
      seen.add(name);
    }
  }
}

/** Parses a rewrite such as `/{b}/x`; its names are not looked up yet. Throws a TemplateError. */
export function parseTemplateRewrite(rewrite: string): ({ readonly literal: string } | { readonly variable: string })[] {
  if (!rewrite.startsWith('/')) throw new TemplateError('Invalid rewrite variable placement');
  if (rewrite.includes('//')) throw new TemplateError('Invalid rewrite literal');
  const parts: ({ literal: string } | { variable: string })[] = [];
  let at = 0;
  while (at < rewrite.length) {
    const open = rewrite.indexOf('{', at);
    const literal = rewrite.slice(at, open < 0 ? undefined : open);
    if (literal !== '') {
      if (!IS_REWRITE_LITERAL.test(literal)) throw new TemplateError('Invalid rewrite literal pattern');
      parts.push({ literal });
    }
    if (open < 0) break;
    const close = rewrite.indexOf('}', open);
    if (close < 0) throw new TemplateError('Unmatched variable bracket');
    const variable = rewrite.slice(open + 1, close);
    if (!IS_NAME.test(variable)) throw new TemplateError('Invalid variable name');
    parts.push({ variable });
    at = close + 1;
  }
  return parts;
}

/** Binds a rewrite to the variables of a template (numbers from 1); null when it names one that is not there. Throws as the two parsers do. */
export function bindRewrite(rewrite: string, template: string): RewritePart[] | null {
  const { variables } = compileTemplate(template);
  const parts = parseTemplateRewrite(rewrite).map((part) => ('literal' in part ? part.literal : variables.indexOf(part.variable) + 1));
  return parts.includes(0) ? null : parts;
}

/** As Envoy quotes: a star within a literal stays a quantifier. */
function quote(literal: string): string {
  return literal.replace(/[$()+.]/g, '\\$&');
}
