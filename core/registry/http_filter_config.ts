import type { ExtensionConfig } from './parse_context.ts';

/** One configured HTTP filter as plain data. */
export interface HttpFilterConfig {
  /** Key for typed_per_filter_config. */
  readonly name: string;
  readonly extension: ExtensionConfig;
  readonly disabled: boolean;
}
