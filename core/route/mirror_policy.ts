import type { FormatEnvironment } from '../formatter/format_environment.ts';
import type { HeaderMap } from '../headers/header_map.ts';
import type { HeaderNames } from '../headers/header_names.ts';
import type { RuntimeFraction, RuntimeSnapshot } from '../runtime/runtime_snapshot.ts';
import { type HeaderMutationConfig, HeaderMutations } from './header_mutation_list.ts';

/** One RouteAction.RequestMirrorPolicy as plain data. */
export interface MirrorPolicyConfig {
  /** '' = the cluster is named by a header. */
  readonly cluster: string;
  readonly clusterHeader: string;
  /** null = every request. */
  readonly runtimeFraction: RuntimeFraction | null;
  readonly appendsShadowSuffix: boolean;
  /** '' = the host stays. */
  readonly hostRewrite: string;
  /** Applied to the copy, each on its own and in order. */
  readonly mutations: readonly HeaderMutationConfig[];
}

/** What compiling a policy needs of the thread. */
export interface MirrorCompileContext {
  readonly names: HeaderNames;
  readonly runtime: RuntimeSnapshot;
  readonly formatEnvironment: FormatEnvironment;
}

/** One compiled policy: which cluster gets a copy of which requests, and what the copy's headers are. */
export class MirrorPolicy {
  readonly appendsShadowSuffix: boolean;
  /** Latin-1; '' = the host stays. */
  readonly hostRewrite: string;
  readonly mutations: HeaderMutations;
  private readonly cluster: string;
  private readonly clusterHeaderId: number;
  private readonly fraction: RuntimeFraction | null;
  private readonly runtime: RuntimeSnapshot;

  constructor(config: MirrorPolicyConfig, context: MirrorCompileContext) {
    this.appendsShadowSuffix = config.appendsShadowSuffix;
    this.hostRewrite = Buffer.from(config.hostRewrite).toString('latin1');
    this.mutations = new HeaderMutations(config.mutations, context.names, context.formatEnvironment);
    this.cluster = config.cluster;
    this.clusterHeaderId = config.cluster === '' && config.clusterHeader !== '' ? context.names.intern(config.clusterHeader) : 0;
    this.fraction = config.runtimeFraction;
    this.runtime = context.runtime;
  }

  /** Whether a stream with this random number is mirrored. */
  isActive(random: number): boolean {
    return this.fraction === null || this.runtime.featureEnabled(this.fraction, random);
  }

  /** The cluster that the copy of a request goes to, '' = none. */
  clusterName(headers: HeaderMap): string {
    return this.clusterHeaderId === 0 ? this.cluster : headers.get(this.clusterHeaderId) ?? '';
  }
}

/** The compiled policies, or null when there are none. */
export function compileMirrorPolicies(configs: readonly MirrorPolicyConfig[], context: MirrorCompileContext): readonly MirrorPolicy[] | null {
  return configs.length === 0 ? null : configs.map((config) => new MirrorPolicy(config, context));
}

/** A host with `-shadow` before its port. */
export function shadowHost(host: string): string {
  const colon = host.lastIndexOf(':');
  const hasPort = colon > 0 && colon > host.lastIndexOf(']');
  return hasPort ? `${host.slice(0, colon)}-shadow${host.slice(colon)}` : `${host}-shadow`;
}
