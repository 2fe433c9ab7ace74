/** retry_policy of routes and virtual hosts to plain data. Thread: main, config time. */
import type { RetryPolicy, RouteAction, VirtualHost } from '../api/gen/envoy/config/route/v3/route_components_pb.d.ts';
import { durationMs } from '../api/scalar_values.ts';
import { parseHeaderMatcher } from '../matcher/parse_matcher.ts';
import type { ParseContext } from '../registry/parse_context.ts';
import { RETRY_PRIORITY_CATEGORY } from '../upstream/retry_priority.ts';
import { grpcCondition, httpCondition, listItems, NO_RETRIES, RETRY_HOST_PREDICATE_CATEGORY, RetryOn, type RetryPolicyConfig } from './retry_policy.ts';

const UNIX_TIMESTAMP = 1;
const RETRY_OPTIONS_PREDICATE_CATEGORY = 'envoy.retry_options_predicates';

/** The policy of one level, or null when it has none; its timeouts are read by `parseRouteTimeouts`. */
export function parseRetryPolicy(holder: RouteAction | VirtualHost, context: ParseContext): RetryPolicyConfig | null {
  if (holder.retryPolicyTypedConfig !== undefined) context.warn(holder, 'retry_policy_typed_config', 'has no effect, in Envoy neither: give retry_policy');
  return holder.retryPolicy === undefined ? null : parseRetries(holder.retryPolicy, context);
}

/** envoy.config.route.v3.RetryPolicy; its timeouts are left unread. */
export function parseRetries(message: RetryPolicy, context: ParseContext): RetryPolicyConfig {
  // There is none, in Envoy neither: each is reported as an extension that nobody registered.
  for (const predicate of message.retryOptionsPredicates) context.parseExtension(RETRY_OPTIONS_PREDICATE_CATEGORY, predicate.name, predicate.typedConfig, predicate, 'typed_config');
  return {
    retryOn: parseConditions(message, context),
    numRetries: message.numRetries ?? NO_RETRIES.numRetries,
    retriableStatusCodes: [...message.retriableStatusCodes],
    retriableHeaders: message.retriableHeaders.map((header) => parseHeaderMatcher(header, context)),
    retriableRequestHeaders: message.retriableRequestHeaders.map((header) => parseHeaderMatcher(header, context)),
    ...parseBackOff(message, context),
    ...parseRateLimitedBackOff(message),
    hostPredicates: message.retryHostPredicate
      .map((predicate) => context.parseExtension(RETRY_HOST_PREDICATE_CATEGORY, predicate.name, predicate.configType.value, predicate, 'typed_config'))
      .filter((predicate) => predicate !== undefined),
    priority: message.retryPriority === undefined ? null
      : context.parseExtension(RETRY_PRIORITY_CATEGORY, message.retryPriority.name, message.retryPriority.configType.value, message.retryPriority, 'typed_config') ?? null,
    hostSelectionMaxAttempts: message.hostSelectionRetryMaxAttempts === 0n ? NO_RETRIES.hostSelectionMaxAttempts : Number(message.hostSelectionRetryMaxAttempts),
  };
}

/** Names that nobody knows are left out, as in Envoy, but not in silence. */
function parseConditions(message: RetryPolicy, context: ParseContext): number {
  let conditions = 0;
  for (const name of listItems(message.retryOn)) {
    const condition = httpCondition(name) | grpcCondition(name);
    if (condition === 0) context.warn(message, 'retry_on', `has no condition '${name}': it is left out`);
    if (condition === RetryOn.http3PostConnectFailure) context.warn(message, 'retry_on', `'${name}' never happens: upstreams are not reached by HTTP/3`);
    conditions |= condition;
  }
  return conditions;
}

function parseBackOff(message: RetryPolicy, context: ParseContext): Pick<RetryPolicyConfig, 'backOffBaseMs' | 'backOffMaxMs'> {
  const backOff = message.retryBackOff;
  if (backOff === undefined) return { backOffBaseMs: 0, backOffMaxMs: 0 };
  const base = atLeastOne(durationMs(backOff.baseInterval) ?? 0);
  const max = durationMs(backOff.maxInterval);
  if (max !== undefined && atLeastOne(max) < base) context.error(backOff, 'max_interval', 'retry_policy.max_interval must greater than or equal to the base_interval');
  return { backOffBaseMs: base, backOffMaxMs: max === undefined ? 0 : atLeastOne(max) };
}

function parseRateLimitedBackOff(message: RetryPolicy): Pick<RetryPolicyConfig, 'resetHeaders' | 'resetMaxMs'> {
  const backOff = message.rateLimitedRetryBackOff;
  const max = durationMs(backOff?.maxInterval);
  return {
    resetHeaders: (backOff?.resetHeaders ?? []).map(({ name, format }) => ({ name: name.toLowerCase(), format: format === UNIX_TIMESTAMP ? 'unix_timestamp' : 'seconds' })),
    resetMaxMs: max === undefined ? NO_RETRIES.resetMaxMs : atLeastOne(max),
  };
}

/** Whole milliseconds: waits below one are waits of one. */
function atLeastOne(ms: number): number {
  return Math.max(1, Math.floor(ms));
}
