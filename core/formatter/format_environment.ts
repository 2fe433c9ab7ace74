import { hostname } from 'node:os';
import type { HeaderNames } from '../headers/header_names.ts';

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
}

/** The environment of this process. `nowWallMs` and `random` come from the thread's dispatcher. */
export function processFormatEnvironment(names: HeaderNames, nowWallMs: () => number, random: () => number): FormatEnvironment {
  return { names, hostname: hostname(), variables: process.env, nowWallMs, random };
}
