import type { BodyFormatConfig } from '../formatter/format_config.ts';
import { DEFAULT_LOG_FORMAT } from './default_format.ts';

/** Type of the logger that appends lines to a file; its configuration as data is a LineLogConfig. */
export const FILE_LOGGER_TYPE = 'envoy.extensions.access_loggers.file.v3.FileAccessLog';

/** A log of lines as plain data. */
export interface LineLogConfig {
  /** A path, or one of the standard streams by its device name. */
  readonly destination: string;
  readonly format: BodyFormatConfig;
}

/** The text format of a log that names none. */
export const DEFAULT_LINE_FORMAT: BodyFormatConfig = { kind: 'text', text: DEFAULT_LOG_FORMAT, contentType: 'text/plain', omitEmptyValues: false };
