/**
 * CEL expressions (https://cel.dev) over a stream's attributes. As in Envoy 1.37 there are no comprehensions (`all`, `exists`, `map`
 * …), and only where it is configured conversion to strings, `+` of strings and the functions of the strings extension. Evaluation is
 * interpreted and allocates: some microseconds, for those who configure it.
 */
import type { CelInput, CelValue } from '@bufbuild/cel';
import { type CelSubject, celRoots } from './cel_attributes.ts';
import { type CelLibrary, celLibrary } from './cel_library.ts';
import type { FormatContext } from './format_context.ts';

type Expr = NonNullable<ReturnType<CelLibrary['cel']['parse']>['expr']>;

/** Functions that may be called, operators included. */
const FUNCTIONS: ReadonlySet<string> = new Set([
  '_+_', '_-_', '_*_', '_/_', '_%_', '_==_', '_!=_', '_<_', '_<=_', '_>_', '_>=_', '_&&_', '_||_', '!_', '-_', '_?_:_', '_[_]', '@in',
  'size', 'contains', 'startsWith', 'endsWith', 'matches', 'int', 'uint', 'double', 'bytes', 'bool', 'timestamp', 'duration', 'type', 'dyn',
  'getDate', 'getDayOfMonth', 'getDayOfWeek', 'getDayOfYear', 'getFullYear', 'getHours', 'getMilliseconds', 'getMinutes', 'getMonth', 'getSeconds',
]);

/** config.core.v3.CelExpressionConfig. */
export interface CelFeatures {
  readonly stringConversion: boolean;
  readonly stringConcat: boolean;
  readonly stringFunctions: boolean;
}

export const CEL_FEATURES_OFF: CelFeatures = Object.freeze({ stringConversion: false, stringConcat: false, stringFunctions: false });
const STRING_FUNCTIONS = ['charAt', 'indexOf', 'join', 'lastIndexOf', 'lowerAscii', 'quote', 'replace', 'reverse', 'split', 'substring', 'trim', 'upperAscii', 'format'];

/** A compiled expression of one thread. */
export class CelExpression {
  /** It names `request`, `response`. */
  readonly readsRequest: boolean;
  readonly readsResponse: boolean;
  /** It is nothing but the name of all attributes of a kind, which have no JSON together. */
  readonly isRoot: boolean;
  private readonly evaluator: (bindings: Record<string, CelInput>) => unknown;
  private readonly subject: CelSubject;
  private readonly roots: Record<string, CelInput>;

  constructor(evaluator: (bindings: Record<string, CelInput>) => unknown, names: ReadonlySet<string>, isRoot: boolean) {
    this.isRoot = isRoot;
    this.evaluator = evaluator;
    this.readsRequest = names.has('request');
    this.readsResponse = names.has('response');
    this.subject = { context: NOTHING };
    this.roots = celRoots(this.subject);
  }

  /** Its value for a stream; undefined = it has none: something it names is absent, or it fails. */
  evaluate(context: FormatContext): CelValue | undefined {
    this.subject.context = context;
    try {
      const value = this.evaluator(this.roots);
      return celLibrary().cel.isCelError(value) ? undefined : (value as CelValue);
    } catch {
      return undefined;
    } finally {
      this.subject.context = NOTHING;
    }
  }
}

const NOTHING: FormatContext = { requestHeaders: null, responseHeaders: null, responseTrailers: null, info: null, logType: 0 };

/** Compiles an expression, or says why it is none. Thread: any, config time. */
export function compileCel(text: string, features: CelFeatures = CEL_FEATURES_OFF): CelExpression | string {
  const { cel, strings } = celLibrary();
  let parsed: ReturnType<typeof cel.parse>;
  try {
    parsed = cel.parse(text);
  } catch (error) {
    return `Not able to parse expression: ${error instanceof Error ? error.message : String(error)}`;
  }
  const names = new Set<string>();
  const mistake = parsed.expr === undefined ? 'it is empty' : check(parsed.expr, names, functionsOf(features));
  if (mistake !== undefined) return `failed to create an expression: ${mistake}`;
  const evaluator = cel.plan(cel.celEnv({ funcs: [timestampOfSeconds(), ...(features.stringFunctions ? strings : []), ...(features.stringConcat ? [] : withoutConcatenation())] }), parsed) as (bindings: Record<string, CelInput>) => unknown;
  return new CelExpression(evaluator, names, parsed.expr?.exprKind.case === 'identExpr' && !names.has('metadata'));
}

function functionsOf({ stringConversion, stringFunctions }: CelFeatures): ReadonlySet<string> {
  if (!stringConversion && !stringFunctions) return FUNCTIONS;
  return new Set([...FUNCTIONS, ...(stringConversion ? ['string'] : []), ...(stringFunctions ? STRING_FUNCTIONS : [])]);
}

let secondsFunction: ReturnType<CelLibrary['cel']['celFunc']> | undefined;

/** `timestamp(int)`: seconds since 1970 (cel-spec langdef, timestamp); the library's takes milliseconds. */
function timestampOfSeconds(): NonNullable<typeof secondsFunction> {
  const { cel, protobuf, wkt } = celLibrary();
  const { INT } = cel.CelScalar;
  secondsFunction ??= cel.celFunc('timestamp', [INT], cel.objectType(wkt.TimestampSchema), (seconds) => protobuf.create(wkt.TimestampSchema, { seconds, nanos: 0 }));
  return secondsFunction;
}

let noConcatenation: NonNullable<NonNullable<Parameters<CelLibrary['cel']['celEnv']>[0]>['funcs']> | undefined;

function withoutConcatenation(): NonNullable<typeof noConcatenation> {
  const { cel } = celLibrary();
  const refuse = (): never => {
    throw new Error('no such overload');
  };
  const { STRING, BYTES, DYN } = cel.CelScalar;
  const list = cel.listType(DYN);
  noConcatenation ??= [cel.celFunc('_+_', [STRING, STRING], STRING, refuse), cel.celFunc('_+_', [BYTES, BYTES], BYTES, refuse), cel.celFunc('_+_', [list, list], list, refuse)];
  return noConcatenation;
}

/** The first thing that may not be there; names are collected. */
function check(expr: Expr, names: Set<string>, functions: ReadonlySet<string>): string | undefined {
  const { exprKind } = expr;
  switch (exprKind.case) {
    case 'identExpr':
      names.add(exprKind.value.name);
      return undefined;
    case 'selectExpr':
      return exprKind.value.operand === undefined ? undefined : check(exprKind.value.operand, names, functions);
    case 'callExpr': {
      const { target, function: name, args } = exprKind.value;
      return first([...(target === undefined ? [] : [target]), ...args], names, functions) ?? (functions.has(name) ? undefined : `No overload found in reference resolve step for ${name}`);
    }
    case 'listExpr':
      return first(exprKind.value.elements, names, functions);
    case 'structExpr':
      return first(exprKind.value.entries.flatMap(({ keyKind, value }) => [...(keyKind.case === 'mapKey' ? [keyKind.value] : []), ...(value === undefined ? [] : [value])]), names, functions);
    case 'comprehensionExpr':
      return 'Comprehension support is disabled';
    default:
      return undefined;
  }
}

function first(parts: readonly Expr[], names: Set<string>, functions: ReadonlySet<string>): string | undefined {
  for (const part of parts) {
    const mistake = check(part, names, functions);
    if (mistake !== undefined) return mistake;
  }
  return undefined;
}
