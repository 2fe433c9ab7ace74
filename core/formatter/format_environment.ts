import { hostname } from 'node:os';
import type { HeaderNames } from '../headers/header_names.ts';

/** What formats read that is only counted for someone who reads it. Compiling a format sets what it needs; nothing is unset. */
export interface FormatNeeds {
  /** Sums of header bytes of either side. */
  headerBytes: boolean;
  /** Bytes exchanged with the upstream, also before the request is over. */
  upstreamBytes: boolean;
}

/** What compiling a format needs of its thread. */
export interface FormatEnvironment {
  /** Header names of formats are interned here. */
  readonly names: Pick<HeaderNames, 'intern'>;
  /** %HOSTNAME%. */
  readonly hostname: string;
  /** %ENVIRONMENT(X)%, read once, when the format is compiled. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Wall clock in milliseconds since 1970 (%EMIT_TIME%). */
  nowWallMs(): number;
  /** Random integer in [0, 2^32) (%UNIQUE_ID%). */
  random(): number;
  readonly needs: FormatNeeds;
}

export function createFormatNeeds(): FormatNeeds {
  return { headerBytes: false, upstreamBytes: false };
}

/** The environment of this process. `nowWallMs` and `random` come from the thread's dispatcher, `needs` are the thread's. */
export function processFormatEnvironment(
  names: HeaderNames, nowWallMs: () => number, random: () => number, needs: FormatNeeds = createFormatNeeds(),
): FormatEnvironment {
  return { names, hostname: hostname(), variables: process.env, nowWallMs, random, needs };
}
