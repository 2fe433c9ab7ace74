import type { HeaderMap } from '../../../../core/headers/header_map.ts';
import { HeaderId } from '../../../../core/headers/header_names.ts';
import { StringMatcher } from '../../../../core/matcher/string_matcher.ts';
import type { RuntimeFraction, RuntimeSnapshot } from '../../../../core/runtime/runtime_snapshot.ts';
import type { CorsPolicyConfig } from './cors_config.ts';

const ALWAYS: RuntimeFraction = { defaultValue: { numerator: 100, denominator: 100 }, runtimeKey: '' };
const NEVER: RuntimeFraction = { defaultValue: { numerator: 0, denominator: 100 }, runtimeKey: '' };

/** The policies of all levels of a route made one: each field from the most specific level that sets it. */
export class CorsPolicy {
  readonly allowMethods: string;
  readonly allowHeaders: string;
  readonly exposeHeaders: string;
  readonly maxAge: string;
  readonly allowCredentials: boolean;
  readonly allowPrivateNetworkAccess: boolean;
  readonly forwardNotMatchingPreflights: boolean;
  private readonly allowOrigins: readonly StringMatcher[];
  private readonly filterEnabled: RuntimeFraction;
  private readonly shadowEnabled: RuntimeFraction;

  /** `levels` least specific first; not empty. */
  constructor(levels: readonly CorsPolicyConfig[]) {
    const find = <Value>(pick: (level: CorsPolicyConfig) => Value, isSet: (value: Value) => boolean, fallback: Value): Value => {
      const level = levels.findLast((candidate) => isSet(pick(candidate)));
      return level === undefined ? fallback : pick(level);
    };
    const text = (pick: (level: CorsPolicyConfig) => string): string => find(pick, (value) => value !== '', '');
    const flag = (pick: (level: CorsPolicyConfig) => boolean | null, fallback: boolean): boolean => find(pick, (value) => value !== null, fallback) ?? fallback;
    this.allowMethods = text((level) => level.allowMethods);
    this.allowHeaders = text((level) => level.allowHeaders);
    this.exposeHeaders = text((level) => level.exposeHeaders);
    this.maxAge = text((level) => level.maxAge);
    this.allowCredentials = flag((level) => level.allowCredentials, false);
    this.allowPrivateNetworkAccess = flag((level) => level.allowPrivateNetworkAccess, false);
    this.forwardNotMatchingPreflights = flag((level) => level.forwardNotMatchingPreflights, true);
    this.allowOrigins = find((level) => level.allowOrigins, (value) => value.length > 0, []).map((matcher) => new StringMatcher(matcher));
    // Whether it applies at all is for the most specific level alone.
    const first = levels.at(-1);
    this.filterEnabled = first?.filterEnabled ?? ALWAYS;
    this.shadowEnabled = first?.shadowEnabled ?? NEVER;
  }

  isEnabled(runtime: RuntimeSnapshot, random: number): boolean {
    return runtime.featureEnabled(this.filterEnabled, random);
  }

  isShadowed(runtime: RuntimeSnapshot, random: number): boolean {
    return runtime.featureEnabled(this.shadowEnabled, random);
  }

  /** Whether the origin at word index `k` of a request's headers may read the response. */
  allowsOrigin(headers: HeaderMap, k: number): boolean {
    const { bytes, entries } = headers;
    const origins = this.allowOrigins;
    for (let i = 0; i < origins.length; i++) if (origins[i].matchesRange(bytes, entries[k + 3], entries[k + 4])) return true;
    return false;
  }
}

/** Whether a request asks beforehand whether another may follow (Fetch standard: CORS-preflight request). */
export function isPreflight(headers: HeaderMap): boolean {
  const k = headers.find(HeaderId.accessControlRequestMethod);
  return k >= 0 && headers.entries[k + 4] > 0 && headers.get(HeaderId.method) === 'OPTIONS';
}
