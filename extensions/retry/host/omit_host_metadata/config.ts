import { isDeepStrictEqual } from 'node:util';
import type { OmitHostMetadataConfig } from '../../../../core/api/gen/envoy/extensions/retry/host/omit_host_metadata/v3/omit_host_metadata_config_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../../core/registry/factory_registry.ts';
import { parseMetadata } from '../../../../core/route/parse_metadata.ts';
import { RETRY_HOST_PREDICATE_CATEGORY, type RetryHostPredicate } from '../../../../core/route/retry_policy.ts';

/** The only namespace that is looked at. */
const NAMESPACE = 'envoy.lb';

interface Config {
  readonly labels: Readonly<Record<string, unknown>>;
}

/** Sends nothing again to hosts that carry all of these labels. */
const factory: ExtensionFactory<Config, unknown, RetryHostPredicate> = {
  category: RETRY_HOST_PREDICATE_CATEGORY,
  name: 'envoy.retry_host_predicates.omit_host_metadata',
  typeName: 'envoy.extensions.retry.host.omit_host_metadata.v3.OmitHostMetadataConfig',
  parse: (message) => Object.freeze({ labels: structOf(parseMetadata((message as OmitHostMetadataConfig).metadataMatch)[NAMESPACE]) }),
  createFactory: ({ labels }) => {
    const entries = Object.entries(labels);
    return {
      rejects: (host) => {
        const known = structOf((host.metadata as Readonly<Record<string, unknown>>)[NAMESPACE]);
        return entries.every(([label, value]) => carries(known[label], value));
      },
    };
  },
};

/** A list carries each of its elements. */
function carries(known: unknown, value: unknown): boolean {
  return Array.isArray(known) ? known.some((element) => isDeepStrictEqual(element, value)) : isDeepStrictEqual(known, value);
}

function structOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}

/** Adds the predicate to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
