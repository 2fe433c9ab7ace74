import type { LogContext } from '../../../../core/access_log/access_log.ts';
import type { FormatEnvironment } from '../../../../core/formatter/format_environment.ts';
import { compileHeaderValue, type Formatter } from '../../../../core/formatter/formatter.ts';
import type { HeaderMap } from '../../../../core/headers/header_map.ts';
import { HeaderId } from '../../../../core/headers/header_names.ts';

/** One envoy.config.core.v3.KeyValueMutation of a query. `value` is a substitution format string. */
export type QueryMutationConfig =
  | { readonly kind: 'append'; readonly key: string; readonly value: string; readonly action: 'append_if_exists_or_add' | 'add_if_absent' | 'overwrite_if_exists_or_add' | 'overwrite_if_exists' }
  | { readonly kind: 'remove'; readonly key: string };

/** Values by key; keys are written in order of their bytes. Texts have one character per byte. */
type Query = Map<string, string[]>;

interface CompiledQueryMutation {
  readonly config: QueryMutationConfig;
  readonly key: string;
  readonly formatter: Formatter | null;
}

/**
 * Mutations of a query, in the order in which they are written. As in Envoy the query comes out decoded and sorted by key; but
 * what would end the request line or begin another is encoded again, so that no client can smuggle a request.
 */
export class QueryMutations {
  private readonly mutations: readonly CompiledQueryMutation[];

  constructor(configs: readonly QueryMutationConfig[], environment: FormatEnvironment) {
    this.mutations = configs.map((config) => ({
      config, key: utf8AsLatin1(config.key), formatter: config.kind === 'append' ? compileHeaderValue(config.value, environment) : null,
    }));
  }

  get isEmpty(): boolean {
    return this.mutations.length === 0;
  }

  /** Changes :path. Allocates. */
  evaluate(headers: HeaderMap, context: LogContext): void {
    const path = headers.get(HeaderId.path);
    if (path === undefined) return;
    const mark = path.indexOf('?');
    const query = parseQuery(mark < 0 ? '' : path.slice(mark + 1));
    for (const { config, key, formatter } of this.mutations) {
      if (config.kind === 'remove') query.delete(key);
      else append(query, key, formatter?.formatToString(context) ?? '', config.action);
    }
    headers.setPath((mark < 0 ? path : path.slice(0, mark)) + writeQuery(query));
  }
}

function append(query: Query, key: string, value: string, action: (QueryMutationConfig & { kind: 'append' })['action']): void {
  const values = query.get(key);
  switch (action) {
    case 'append_if_exists_or_add':
      if (values === undefined) query.set(key, [value]);
      else values.push(value);
      break;
    case 'add_if_absent':
      if (values === undefined) query.set(key, [value]);
      break;
    case 'overwrite_if_exists':
      if (values !== undefined) query.set(key, [value]);
      break;
    default:
      query.set(key, [value]);
  }
}

function parseQuery(text: string): Query {
  const query: Query = new Map();
  for (const part of text === '' ? [] : text.split('&')) {
    const at = part.indexOf('=');
    const key = percentDecode(at < 0 ? part : part.slice(0, at));
    const value = at < 0 ? '' : percentDecode(part.slice(at + 1));
    const values = query.get(key);
    if (values === undefined) query.set(key, [value]);
    else values.push(value);
  }
  return query;
}

function writeQuery(query: Query): string {
  const keys = [...query.keys()].sort();
  const parts = keys.flatMap((key) => (query.get(key) ?? []).map((value) => `${key}=${value}`));
  return parts.length === 0 ? '' : `?${encodeUnsafe(parts.join('&'))}`;
}

function percentDecode(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Encodes control characters, blanks and '#'. */
function encodeUnsafe(text: string): string {
  let encoded = '';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    encoded += code <= 32 || code === 127 || code === HASH ? `%${code.toString(16).toUpperCase().padStart(2, '0')}` : text[i];
  }
  return encoded;
}

const HASH = 35;

function utf8AsLatin1(text: string): string {
  return Buffer.from(text).toString('latin1');
}
