/** A route table compiled where no worker is: what the commands ask. The classes are those of the data path. Thread: main. */
import type { LogContext } from '../../core/access_log/access_log.ts';
import { TurnBuffer } from '../../core/buffer/turn_buffer.ts';
import { compileFormat, compileHeaderValue } from '../../core/formatter/formatter.ts';
import { processFormatEnvironment } from '../../core/formatter/format_environment.ts';
import { HeaderMap } from '../../core/headers/header_map.ts';
import { HeaderMutator } from '../../core/headers/header_mutation.ts';
import { HeaderId, HeaderNames } from '../../core/headers/header_names.ts';
import type { RouteConfig } from '../../core/route/route_config.ts';
import { RouteTable } from '../../core/route/route_table.ts';
import type { RuntimeSnapshot } from '../../core/runtime/runtime_snapshot.ts';

/** Room for one request's bytes and for what is made of them. */
const SLAB_BYTES = 1 << 20;
const TURN_OFFSET = SLAB_BYTES / 2;

/** What a question needs besides the table: names, and memory for header maps. */
export interface OfflineRoutes {
  readonly table: RouteTable;
  readonly names: HeaderNames;
  /** A request's bytes go to its first half. */
  readonly slab: Uint8Array;
  readonly turn: TurnBuffer;
}

/** Compiles a checked table. Formats see this process; `nowMs` is the wall clock they print. Throws on what parsing let through. */
export function compileOffline(config: RouteConfig, runtime: RuntimeSnapshot, nowMs: () => number): OfflineRoutes {
  const names = new HeaderNames();
  const slab = new Uint8Array(SLAB_BYTES);
  const turn = new TurnBuffer(slab, TURN_OFFSET, SLAB_BYTES - TURN_OFFSET, 0, 0);
  const environment = processFormatEnvironment(names, nowMs, () => 0);
  const table = RouteTable.compile(config, {
    names, runtime,
    // Nobody runs a filter here: that a level configures one is all there is to know.
    perFilter: (_, extension) => extension.config,
    product: (_, extension) => extension.config,
    formatEnvironment: environment,
    compileFormat: (format) => compileFormat(format, environment),
    compileMutations: (levels) => new HeaderMutator<LogContext>(levels, names, (format) => compileHeaderValue(format, environment)),
  });
  return { table, names, slab, turn };
}

/** An empty map of its own memory. */
export function newHeaders(routes: OfflineRoutes): HeaderMap {
  return new HeaderMap(routes.names, routes.turn);
}

/** Adds a header whose name may be a pseudo-header's; values are UTF-8 texts. */
export function addHeader(headers: HeaderMap, name: string, value: string): void {
  const lower = name.toLowerCase();
  const latin1 = Buffer.from(value).toString('latin1');
  if (lower === ':method') headers.setMethod(latin1);
  else if (lower === ':path') headers.setPath(latin1);
  else if (lower === ':scheme') headers.isHttps = value === 'https';
  else if (lower === ':status') headers.status = Number(value);
  else headers.add(lower === ':authority' || lower === 'host' ? HeaderId.authority : headers.names.intern(lower), latin1);
}

/** A header's value as text, '' when there is none. */
export function headerText(headers: HeaderMap, name: string): string {
  if (name.toLowerCase() === ':status') return headers.status === 0 ? '' : String(headers.status);
  return utf8(headers.getByName(name) ?? '');
}

/** Latin-1 characters of a header as the text they encode. */
export function utf8(latin1: string): string {
  return Buffer.from(latin1, 'latin1').toString('utf8');
}
