import { AccessLogType } from '../../access_log/access_log.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import type { StreamInfo } from '../../stream_info/stream_info.ts';
import type { ManagerContext } from './manager_context.ts';

/** early_header_mutation_extensions, before anything is normalised or sanitised. */
export function mutateEarly(context: ManagerContext, info: StreamInfo, headers: HeaderMap): void {
  const { logContext: log, parts } = context;
  log.info = info;
  log.requestHeaders = headers;
  log.logType = AccessLogType.notSet;
  for (let i = 0; i < parts.earlyMutations.length; i++) parts.earlyMutations[i].evaluate(headers, log);
  log.info = null;
  log.requestHeaders = null;
}
