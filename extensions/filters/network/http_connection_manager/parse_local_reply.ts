import type { LocalReplyConfig, ResponseMapper } from '../../../../core/api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.d.ts';
import { parseAccessLogFilter } from '../../../../core/access_log/parse_access_log.ts';
import { parseFormat } from '../../../../core/formatter/parse_format.ts';
import type { ConnectionManagerConfig, LocalReplyMapperConfig } from '../../../../core/http/connection_manager/config.ts';
import { readDataSource } from '../../../../core/registry/data_source.ts';
import type { ParseContext } from '../../../../core/registry/parse_context.ts';
import { parseHeaderAdd } from '../../../../core/route/parse_header_mutations.ts';

/** local_reply_config. */
export function parseLocalReply(message: LocalReplyConfig, context: ParseContext): NonNullable<ConnectionManagerConfig['localReply']> {
  return {
    mappers: message.mappers.map((mapper) => parseMapper(mapper, context)).filter((mapper) => mapper !== undefined),
    bodyFormat: message.bodyFormat === undefined ? null : parseFormat(message.bodyFormat, context),
  };
}

function parseMapper(message: ResponseMapper, context: ParseContext): LocalReplyMapperConfig | undefined {
  const filter = message.filter === undefined ? undefined : parseAccessLogFilter(message.filter, context);
  if (filter === undefined) return undefined;
  const headersToAdd = message.headersToAdd.map((option) => parseHeaderAdd(option, context)).filter((header) => header !== undefined);
  return {
    filter,
    statusCode: message.statusCode ?? 0,
    body: message.body === undefined ? null : Buffer.from(readDataSource(message.body, message, 'body', context)).toString('utf8'),
    bodyFormat: message.bodyFormatOverride === undefined ? null : parseFormat(message.bodyFormatOverride, context),
    headersToAdd,
  };
}
