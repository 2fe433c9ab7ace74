/** envoy.config.route.v3.RouteMatch to plain data. Thread: main, config time. */
import type { RouteMatch } from '../api/gen/envoy/config/route/v3/route_components_pb.d.ts';
import type { UriTemplateMatchConfig } from '../api/gen/envoy/extensions/path/match/uri_template/v3/uri_template_match_pb.d.ts';
import type { UriTemplateRewriteConfig } from '../api/gen/envoy/extensions/path/rewrite/uri_template/v3/uri_template_rewrite_pb.d.ts';
import { parseHeaderMatcher, parseQueryParameterMatcher, parseRegex, parseStringMatcher } from '../matcher/parse_matcher.ts';
import { parseFilterStateMatcher, parseMetadataMatcher } from '../matcher/parse_value_matcher.ts';
import { regexSyntaxError } from '../matcher/regex.ts';
import type { AnyMessage, ParseContext } from '../registry/parse_context.ts';
import { parseRuntimeFraction } from '../runtime/parse_runtime.ts';
import type { PathMatcherConfig, RouteMatchConfig } from './route_config.ts';
import { compileTemplate, parseTemplateRewrite, TemplateError } from './uri_template.ts';

const TEMPLATE_MATCH = 'envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig';
const TEMPLATE_REWRITE = 'envoy.extensions.path.rewrite.uri_template.v3.UriTemplateRewriteConfig';
const EVERYTHING: PathMatcherConfig = Object.freeze({ kind: 'prefix', value: '', caseSensitive: true });
const MATCH_ALL: RouteMatchConfig = Object.freeze({
  path: EVERYTHING, headers: [], queryParameters: [], runtimeFraction: null, grpc: false, cookies: [], tlsContext: null, dynamicMetadata: [], filterState: [],
});

/** What a request must be like. */
export function parseRouteMatch(message: RouteMatch | undefined, context: ParseContext): RouteMatchConfig {
  if (message === undefined) return MATCH_ALL;
  const tls = message.tlsContext;
  return {
    path: parsePathMatcher(message, context),
    headers: message.headers.map((header) => parseHeaderMatcher(header, context)),
    queryParameters: message.queryParameters.map((parameter) => parseQueryParameterMatcher(parameter, context)),
    runtimeFraction: message.runtimeFraction === undefined ? null : parseRuntimeFraction(message.runtimeFraction),
    grpc: message.grpc !== undefined,
    cookies: message.cookies.map((cookie) => ({
      name: cookie.name,
      matcher: cookie.stringMatch === undefined ? { kind: 'exact', value: '', ignoreCase: false } : parseStringMatcher(cookie.stringMatch, context),
      invert: cookie.invertMatch,
    })),
    tlsContext: tls === undefined ? null : { presented: tls.presented ?? null, validated: tls.validated ?? null },
    dynamicMetadata: message.dynamicMetadata.map((matcher) => parseMetadataMatcher(matcher, context)),
    filterState: message.filterState.map((matcher) => parseFilterStateMatcher(matcher, context)),
  };
}

function parsePathMatcher(message: RouteMatch, context: ParseContext): PathMatcherConfig {
  const specifier = message.pathSpecifier;
  switch (specifier.case) {
    case 'prefix':
      return { kind: 'prefix', value: specifier.value, caseSensitive: message.caseSensitive ?? true };
    case 'path':
      return { kind: 'path', value: specifier.value, caseSensitive: message.caseSensitive ?? true };
    case 'pathSeparatedPrefix':
      return { kind: 'path_separated_prefix', value: specifier.value, caseSensitive: message.caseSensitive ?? true };
    case 'safeRegex':
      return { kind: 'regex', regex: parseRegex(specifier.value, context) };
    case 'connectMatcher':
      context.consume(message, 'connect_matcher');
      return { kind: 'connect' };
    case 'pathMatchPolicy':
      return parsePathMatchPolicy(message, specifier.value, context);
    default:
      return EVERYTHING;
  }
}

function parsePathMatchPolicy(holder: RouteMatch, policy: { name: string; typedConfig?: unknown }, context: ParseContext): PathMatcherConfig {
  const config = openPolicy<UriTemplateMatchConfig>(holder, 'path_match_policy', policy, TEMPLATE_MATCH, context);
  if (config === undefined) return EVERYTHING;
  const template = config.pathTemplate;
  const reason = templateError(() => compileTemplate(template)) ?? regexSyntaxError(compileTemplate(template).regex);
  if (reason === undefined) return { kind: 'uri_template', template };
  context.error(config, 'path_template', `path_match_policy.path_template ${template} is invalid: ${reason}`);
  return EVERYTHING;
}

/** path_rewrite_policy of a RouteAction: the rewrite template, '' when it cannot be used. */
export function parsePathRewritePolicy(holder: object, policy: { name: string; typedConfig?: unknown }, context: ParseContext): string {
  const config = openPolicy<UriTemplateRewriteConfig>(holder, 'path_rewrite_policy', policy, TEMPLATE_REWRITE, context);
  if (config === undefined) return '';
  const rewrite = config.pathTemplateRewrite;
  const reason = templateError(() => parseTemplateRewrite(rewrite));
  if (reason === undefined) return rewrite;
  context.error(config, 'path_template_rewrite', `path_rewrite_policy.path_template_rewrite ${rewrite} is invalid: ${reason}`);
  return '';
}

/** The one known kind of path policy, opened. */
function openPolicy<Config>(
  holder: object, field: string, policy: { name: string; typedConfig?: unknown }, typeName: string, context: ParseContext,
): Config | undefined {
  const opened = policy.typedConfig === undefined ? undefined : context.unpackAny(policy.typedConfig as AnyMessage);
  if (opened?.typeName === typeName) return opened.message as Config;
  if (opened !== undefined || policy.typedConfig === undefined) {
    context.error(holder, field, `Didn't find a registered implementation for '${policy.name}' with type URL: '${opened?.typeName ?? ''}'; there is: ${typeName}`);
  }
  return undefined;
}

function templateError(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
}
