import type { HeaderNames } from '../headers/header_names.ts';
import { CookieMatcher } from '../matcher/cookie_matcher.ts';
import { FilterStateMatcher } from '../matcher/filter_state_matcher.ts';
import type { MatchInput } from '../matcher/match_input.ts';
import type { TlsContextMatcherConfig } from '../matcher/matcher_config.ts';
import { MetadataMatcher } from '../matcher/value_matcher.ts';
import { type MatchFailure, MatchPredicate, matchFailure, NO_FAILURE } from './match_failure.ts';
import type { RouteMatchConfig } from './route_config.ts';

/** The predicates that few routes have: cookies, the client's certificate, metadata, filter state. */
export class RareMatchers {
  private readonly cookies: readonly CookieMatcher[];
  private readonly tlsContext: TlsContextMatcherConfig | null;
  private readonly dynamicMetadata: readonly MetadataMatcher[];
  private readonly filterState: readonly FilterStateMatcher[];

  constructor(config: RouteMatchConfig, names: HeaderNames) {
    const cookieId = names.intern('cookie');
    this.cookies = config.cookies.map((matcher) => new CookieMatcher(matcher, cookieId));
    this.tlsContext = config.tlsContext;
    this.dynamicMetadata = config.dynamicMetadata.map((matcher) => new MetadataMatcher(matcher));
    this.filterState = config.filterState.map((matcher) => new FilterStateMatcher(matcher));
  }

  /** See `RouteEntry.firstFailure`. */
  firstFailure(input: MatchInput): MatchFailure {
    const { cookies, dynamicMetadata, filterState } = this;
    for (let i = 0; i < cookies.length; i++) if (!cookies[i].matches(input.headers)) return matchFailure(MatchPredicate.cookies, i);
    if (this.tlsContext !== null && !matchesTls(this.tlsContext, input)) return matchFailure(MatchPredicate.tlsContext, 0);
    for (let i = 0; i < dynamicMetadata.length; i++) {
      if (!dynamicMetadata[i].matches(input.info.dynamicMetadata)) return matchFailure(MatchPredicate.dynamicMetadata, i);
    }
    for (let i = 0; i < filterState.length; i++) if (!filterState[i].matches(input.info.filterState)) return matchFailure(MatchPredicate.filterState, i);
    return NO_FAILURE;
  }
}

/** The compiled matchers, or null when a route has none of them. */
export function compileRareMatchers(config: RouteMatchConfig, names: HeaderNames): RareMatchers | null {
  const isRare = config.cookies.length > 0 || config.tlsContext !== null || config.dynamicMetadata.length > 0 || config.filterState.length > 0;
  return isRare ? new RareMatchers(config, names) : null;
}

/** Without TLS no certificate was presented or validated. */
function matchesTls(config: TlsContextMatcherConfig, input: MatchInput): boolean {
  const tls = input.info.connection?.tls;
  if (config.presented !== null && config.presented !== (tls?.isPeerCertificatePresented ?? false)) return false;
  return config.validated === null || config.validated === (tls?.isPeerCertificateValidated ?? false);
}
