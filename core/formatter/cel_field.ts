import type { CelExpression } from './cel_expression.ts';
import { celJson, celText } from './cel_text.ts';
import { type Field, JsonKind, MISSING, writeText } from './field.ts';
import type { FormatContext } from './format_context.ts';
import { cut, jsonText } from './metadata_field.ts';

/** %CEL(expression)% and %TYPED_CEL(expression)%: text, or any JSON value. */
export class CelField implements Field {
  readonly jsonKind: JsonKind;
  readonly needsRequestHeaders: boolean;
  readonly needsResponseHeaders: boolean;
  private readonly expression: CelExpression;
  private readonly isTyped: boolean;
  /** In bytes, -1 = none. */
  private readonly maxLength: number;

  constructor(expression: CelExpression, isTyped: boolean, maxLength: number) {
    this.maxLength = maxLength;
    this.jsonKind = isTyped ? JsonKind.value : JsonKind.string;
    this.needsRequestHeaders = expression.readsRequest;
    this.needsResponseHeaders = expression.readsResponse;
    this.expression = expression;
    this.isTyped = isTyped;
  }

  /** Text in either case: what stands among other text is no JSON value. */
  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    const value = this.expression.evaluate(context);
    return value === undefined ? MISSING : writeText(bytes, at, celText(value));
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    if (!this.isTyped) return this.write(bytes, at, context);
    const value = this.expression.isRoot ? undefined : this.expression.evaluate(context);
    const json = value === undefined ? undefined : celJson(value);
    return json === undefined ? MISSING : writeText(bytes, at, jsonText(cut(json, this.maxLength)));
  }
}
