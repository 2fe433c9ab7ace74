/** What checks of Redis hosts take from `typed_extension_protocol_options` of their cluster. Thread: main. */
import type { Cluster } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { DataSource } from '../../core/api/gen/envoy/config/core/v3/base_pb.d.ts';
import type { RedisProtocolOptions } from '../../core/api/gen/envoy/extensions/filters/network/redis_proxy/v3/redis_proxy_pb.d.ts';
import { readDataSource } from '../../core/registry/data_source.ts';
import type { AnyMessage, ParseContext } from '../../core/registry/parse_context.ts';
import type { ProbeCredentials } from '../../core/upstream/health_prober.ts';

/** Key of the options. */
export const REDIS_OPTIONS = 'envoy.filters.network.redis_proxy';
const TYPE = 'envoy.extensions.filters.network.redis_proxy.v3.RedisProtocolOptions';

/** null = none. Reports what is wrong. `credentials` of single hosts stay unread, so reported: Envoy's checks do not look at them. */
export function parseRedisCredentials(cluster: Cluster, context: ParseContext): ProbeCredentials | null {
  const any = cluster.typedExtensionProtocolOptions[REDIS_OPTIONS] as AnyMessage | undefined;
  const opened = any === undefined ? undefined : context.unpackAny(any);
  if (any === undefined || opened === undefined) return null;
  if (opened.typeName !== TYPE) {
    context.error(cluster, `typed_extension_protocol_options["${REDIS_OPTIONS}"]`, `Unable to unpack as ${TYPE}: ${opened.typeName}`);
    return null;
  }
  const options = opened.message as RedisProtocolOptions;
  if (options.awsIam !== undefined) context.refuse(options, 'aws_iam', 'IAM authentication of AWS');
  const username = text(options.authUsername, options, 'auth_username', context);
  const password = text(options.authPassword, options, 'auth_password', context);
  return username === '' && password === '' ? null : { username, password };
}

function text(source: DataSource | undefined, holder: object, field: string, context: ParseContext): string {
  return source === undefined ? '' : Buffer.from(readDataSource(source, holder, field, context)).toString();
}
