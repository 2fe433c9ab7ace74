/** Runs the tests of Envoy's router check tool against a route table. The rules are those of the tool. Thread: main. */
import { LogContext } from '../../core/access_log/access_log.ts';
import type { HeaderMap } from '../../core/headers/header_map.ts';
import { HeaderId } from '../../core/headers/header_names.ts';
import { HeaderMatcher } from '../../core/matcher/header_matcher.ts';
import { MatchInput } from '../../core/matcher/match_input.ts';
import { redirectLocation, SAME_PLACE } from '../../core/route/redirect.ts';
import type { RouteConfig } from '../../core/route/route_config.ts';
import { type RouteEntry, RouteKind } from '../../core/route/route_entry.ts';
import { type ConnectionInfo, StreamInfo } from '../../core/stream_info/stream_info.ts';
import { addHeader, compileOffline, headerText, newHeaders, type OfflineRoutes, utf8 } from '../explain/offline_routes.ts';
import { CheckRuntime, withReachableFractions } from './check_runtime.ts';
import type { CheckAssert, CheckInput, CheckTest, HeaderExpectation, NameValue } from './check_tests.ts';
import { RouteCoverage } from './route_coverage.ts';

/** One thing that is not as expected. */
export interface CheckFailure {
  /** As the test file calls it: `cluster_name`, `response_header_matches.range_match`. */
  readonly field: string;
  /** undefined where only a matcher, no value, is expected. */
  readonly expected: string | undefined;
  readonly actual: string;
  /** The expectation was that the value is another one. */
  readonly isInverted: boolean;
  /** For header matches: the matcher as the test file has it, and the header's value. */
  readonly header: { readonly matcher: object; readonly value: string } | undefined;
}

export interface CheckResult {
  readonly name: string;
  /** Empty: passed. */
  readonly failures: readonly CheckFailure[];
  /** What the request matched, with its weighted cluster chosen; null = nothing. */
  readonly route: RouteEntry | null;
}

/** Where requests of the tool come from. */
const LOOPBACK: ConnectionInfo = { id: 0, remoteAddress: '127.0.0.1:0', remoteHost: '127.0.0.1', localAddress: '127.0.0.1:0', filterChainName: '', requestedServerName: '' };

/** A request as the tool makes it, and what came of it. */
interface CheckedRequest {
  readonly request: HeaderMap;
  readonly response: HeaderMap;
  readonly route: RouteEntry | null;
  /** The route when it forwards, and when it answers itself. */
  readonly forwarding: RouteEntry | null;
  readonly answering: RouteEntry | null;
  readonly location: string;
}

export class RouteChecker {
  readonly coverage: RouteCoverage;
  private readonly runtime = new CheckRuntime();
  private readonly routes: OfflineRoutes;

  constructor(config: RouteConfig, nowMs: () => number) {
    this.routes = compileOffline(withReachableFractions(config), this.runtime, nowMs);
    this.coverage = new RouteCoverage(this.routes.table);
  }

  run(test: CheckTest): CheckResult {
    this.routes.turn.reset();
    const checked = this.ask(test.input);
    const failures = [...this.compareRoute(test.validate, checked), ...this.compareHeaders(test.validate, checked)];
    return { name: test.name, failures, route: checked.route };
  }

  private ask(input: CheckInput): CheckedRequest {
    const request = newHeaders(this.routes);
    addHeader(request, ':authority', input.authority);
    addHeader(request, ':path', input.path);
    addHeader(request, ':method', input.method);
    addHeader(request, 'x-forwarded-proto', input.isHttps ? 'https' : 'http');
    request.isHttps = input.isHttps;
    request.hasScheme = true;
    if (input.isInternal) addHeader(request, 'x-envoy-internal', 'true');
    for (const [name, value] of input.requestHeaders) addHeader(request, name, value);
    const response = newHeaders(this.routes);
    for (const [name, value] of input.responseHeaders) addHeader(response, name, value);

    const info = new StreamInfo();
    info.connection = LOOPBACK;
    info.random = input.random;
    info.isInternalRequest = input.isInternal;
    if (input.dynamicMetadata.size > 0) info.dynamicMetadata = new Map(input.dynamicMetadata);
    this.runtime.activeKey = input.runtimeKey;
    const match = new MatchInput(request, info);
    match.readStream();
    const route = this.routes.table.match(match);
    info.route = route;
    const forwarding = route !== null && route.kind === RouteKind.route ? route : null;
    const answering = forwarding === null ? route : null;
    const location = answering === null ? '' : finalizeAnswer(answering, request, response, info);
    if (forwarding !== null) finalizeRequest(forwarding, request, response, info);
    return { request, response, route, forwarding, answering, location };
  }

  private compareRoute(expected: CheckAssert, checked: CheckedRequest): CheckFailure[] {
    const { forwarding, answering, request } = checked;
    const failures: CheckFailure[] = [];
    const compare = (field: string, wanted: string | undefined, actual: string, covers: RouteEntry | null): void => {
      if (wanted === undefined) return;
      if (wanted !== actual) failures.push({ field, expected: wanted, actual, isInverted: false, header: undefined });
      else if (covers !== null) this.coverage.mark(covers, field);
    };
    compare('cluster_name', expected.clusterName, forwarding?.resolveClusterName(request) ?? '', forwarding);
    compare('virtual_cluster_name', expected.virtualClusterName, virtualClusterName(forwarding, request), forwarding);
    compare('virtual_host_name', expected.virtualHostName, forwarding?.virtualHostName ?? '', forwarding);
    compare('path_rewrite', expected.pathRewrite, forwarding === null ? '' : headerText(request, ':path'), forwarding);
    compare('host_rewrite', expected.hostRewrite, forwarding === null ? '' : headerText(request, ':authority'), forwarding);
    compare('path_redirect', expected.pathRedirect, checked.location, answering);
    compare('code_redirect', expected.codeRedirect?.toString(), String(answering?.responseCode ?? 0), answering);
    compare('timeout', secondsText(expected.timeoutMs), secondsText(forwarding?.timeoutMs ?? 0) ?? '', forwarding);
    return failures;
  }

  private compareHeaders(expected: CheckAssert, { request, response }: CheckedRequest): CheckFailure[] {
    return [
      ...this.matchHeaders('request_header_matches', expected.requestHeaderMatches, request),
      ...compareFields('request_header_fields', expected.requestHeaderFields, request),
      ...this.matchHeaders('response_header_matches', expected.responseHeaderMatches, response),
      ...compareFields('response_header_fields', expected.responseHeaderFields, response),
    ];
  }

  private matchHeaders(list: string, expectations: readonly HeaderExpectation[], headers: HeaderMap): CheckFailure[] {
    const failures: CheckFailure[] = [];
    for (const { config, message, kind, exact } of expectations) {
      if (new HeaderMatcher(config, this.routes.names).matches(headers)) continue;
      const value = headerText(headers, config.name);
      const header = { matcher: message, value };
      const field = `${list}.${kind}`;
      const shown = value === '' && headers.getByName(config.name) === undefined && config.name !== ':status' ? 'NULL' : value;
      if (config.kind === 'present') {
        failures.push({ field, expected: `has(${config.name}):${!config.invert}`, actual: `has(${config.name}):${config.invert}`, isInverted: false, header });
      } else {
        failures.push({ field, expected: exact === undefined ? undefined : `${config.name}: ${exact}`, actual: `${config.name}: ${shown}`, isInverted: config.invert && exact !== undefined, header });
      }
    }
    return failures;
  }
}

/** What the router does to a request that it forwards, and to the response. */
function finalizeRequest(route: RouteEntry, request: HeaderMap, response: HeaderMap, info: StreamInfo): void {
  const context = new LogContext();
  context.info = info;
  context.requestHeaders = request;
  route.requestHeaders.evaluate(request, context);
  route.finalizeHost(request);
  route.finalizePath(request, true);
  context.responseHeaders = response;
  route.responseHeaders.evaluate(response, context);
}

/** What the router answers with a redirect or direct response. Returns where it points, for a direct response at the request itself. */
function finalizeAnswer(route: RouteEntry, request: HeaderMap, response: HeaderMap, info: StreamInfo): string {
  const location = route.redirectLocation(request, true);
  response.status = route.responseCode;
  const body = route.directBody;
  if (body.length > 0) {
    response.setInteger(HeaderId.contentLength, body.length);
    response.set(HeaderId.contentType, 'text/plain');
  }
  const context = new LogContext();
  context.info = info;
  context.requestHeaders = request;
  context.responseHeaders = response;
  route.responseHeaders.evaluate(response, context);
  return utf8(location !== '' ? location : redirectLocation(SAME_PLACE, request));
}

/** By its stat: `other` for requests of no virtual cluster where there are some, '' where there are none. */
function virtualClusterName(route: RouteEntry | null, request: HeaderMap): string {
  const cluster = route?.virtualHost.virtualCluster(request) ?? null;
  return cluster === null ? '' : cluster.name === '' ? 'other' : cluster.name;
}

function compareFields(field: string, expected: readonly NameValue[], headers: HeaderMap): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (const [name, value] of expected) {
    const actual = headerText(headers, name);
    if (actual !== value) failures.push({ field: `${field}.${name}`, expected: value, actual, isInverted: false, header: undefined });
  }
  return failures;
}

function secondsText(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : `${ms / 1000}s`;
}
