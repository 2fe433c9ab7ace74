import type { HeaderNames } from '../headers/header_names.ts';
import type { ExtensionConfig } from '../registry/parse_context.ts';

/** RouteAction.internal_redirect_policy as plain data. */
export interface InternalRedirectConfig {
  readonly maxRedirects: number;
  readonly responseCodes: readonly number[];
  readonly predicates: readonly ExtensionConfig[];
  readonly allowsCrossScheme: boolean;
  /** Lower case. */
  readonly responseHeadersToCopy: readonly string[];
}

/** What a predicate is asked: a redirect of one stream from the policy's route to another. */
export interface RedirectTarget {
  /** Name of the route that the redirect leads to. */
  readonly routeName: string;
  readonly isDownstreamHttps: boolean;
  readonly isTargetHttps: boolean;
  /** Routes that earlier redirects of the request led to from the policy's route; a predicate may add to it. */
  readonly previousRoutes: Set<string>;
}

/** Product of an internal-redirect predicate's factory. */
export interface InternalRedirectPredicate {
  accepts(target: RedirectTarget): boolean;
}

/** Category in the factory registry. */
export const INTERNAL_REDIRECT_PREDICATE_CATEGORY = 'envoy.internal_redirect_predicates';

/** What compiling a policy needs of the thread. */
export interface RedirectCompileContext {
  readonly names: HeaderNames;
  product(category: string, extension: ExtensionConfig): unknown;
}

/** A compiled policy; shared by the route's streams. */
export class InternalRedirectPolicy {
  readonly maxRedirects: number;
  readonly allowsCrossScheme: boolean;
  readonly copiedHeaderIds: readonly number[];
  private readonly codes: readonly number[];
  private readonly predicates: readonly InternalRedirectPredicate[];

  constructor(config: InternalRedirectConfig, context: RedirectCompileContext) {
    this.maxRedirects = config.maxRedirects;
    this.allowsCrossScheme = config.allowsCrossScheme;
    this.copiedHeaderIds = config.responseHeadersToCopy.map((name) => context.names.intern(name));
    this.codes = config.responseCodes;
    this.predicates = config.predicates.map((predicate) => context.product(INTERNAL_REDIRECT_PREDICATE_CATEGORY, predicate) as InternalRedirectPredicate);
  }

  /** Whether a response with this status is to be followed. */
  appliesTo(status: number): boolean {
    return this.codes.includes(status);
  }

  /** Whether all predicates agree. */
  accepts(target: RedirectTarget): boolean {
    return this.predicates.every((predicate) => predicate.accepts(target));
  }
}
