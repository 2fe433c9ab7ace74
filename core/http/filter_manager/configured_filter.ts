import type { HttpFilterFactory } from '../filter.ts';

/** One configured filter on this worker. */
export interface ConfiguredFilter {
  readonly name: string;
  readonly factory: HttpFilterFactory;
  readonly disabled: boolean;
}
