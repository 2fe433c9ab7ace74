import type { LogContext } from '../access_log/access_log.ts';
import type { FormatEnvironment } from '../formatter/format_environment.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import type { HeaderNames } from '../headers/header_names.ts';

/** Category of early_header_mutation_extensions. */
export const EARLY_HEADER_MUTATION_CATEGORY = 'envoy.http.early_header_mutation';

/** Changes request headers before the connection manager looks at them: paths are not normal yet, nothing is sanitised. */
export interface EarlyHeaderMutation {
  evaluate(headers: HeaderMap, context: LogContext): void;
}

/** What `createFactory` of such an extension gets. */
export interface EarlyHeaderMutationContext {
  readonly names: HeaderNames;
  readonly formatEnvironment: FormatEnvironment;
}
