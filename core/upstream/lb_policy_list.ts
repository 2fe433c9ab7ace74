/** envoy.config.cluster.v3.LoadBalancingPolicy to the policy that applies. Thread: main. */
import type { LoadBalancingPolicy } from '../api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { AnyMessage, ExtensionConfig, ParseContext } from '../registry/parse_context.ts';
import { LOAD_BALANCING_CATEGORY } from './load_balancer.ts';

const PREFIX = 'envoy.extensions.load_balancing_policies.';
/** Types of the API that Envoy 1.37 is built without: it does not even know what they are. */
const UNKNOWN: ReadonlySet<string> = new Set([`${PREFIX}random_subsetting.v3.RandomSubsetting`, `${PREFIX}pick_first.v3.PickFirst`]);

/**
 * The first policy of the list that is known: lists name policies from the newest to what every proxy has. undefined after errors;
 * `notFound` makes the one about a list of none, at `holder.field`, from the names in it.
 */
export function parsePolicyList(message: LoadBalancingPolicy | undefined, holder: object, field: string, notFound: (names: string) => string, context: ParseContext): ExtensionConfig | undefined {
  const names: string[] = [];
  for (const [index, entry] of (message?.policies ?? []).entries()) {
    const typed = entry.typedExtensionConfig;
    if (typed === undefined) continue;
    names.push(typed.name);
    const any = typed.typedConfig as AnyMessage | undefined;
    const type = any?.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1) ?? '';
    if (UNKNOWN.has(type)) {
      context.error(typed, 'typed_config', `Unable to parse JSON as proto (INVALID_ARGUMENT: could not find @type '${any?.typeUrl ?? ''}')`);
      return undefined;
    }
    const isLast = index === (message?.policies.length ?? 0) - 1;
    if (!isLast && any !== undefined && !context.isRegistered(LOAD_BALANCING_CATEGORY, any)) continue;
    return context.parseExtension(LOAD_BALANCING_CATEGORY, typed.name, any, typed, 'typed_config');
  }
  context.error(holder, field, notFound(names.join(', ')));
  return undefined;
}
