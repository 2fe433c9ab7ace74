/** Matchers and what they miss in a request, in words. */
import type { HeaderMatcherConfig, StringMatcherConfig } from '../../core/matcher/matcher_config.ts';
import type { PathMatcherConfig, RouteMatchConfig } from '../../core/route/route_config.ts';
import type { RequestState } from '../../workers/protocol/dry_run.ts';

/** `prefix "/api/"`. */
export function pathText(path: PathMatcherConfig): string {
  switch (path.kind) {
    case 'connect':
      return 'connect_matcher';
    case 'regex':
      return `safe_regex ${quoted(path.regex)}`;
    case 'uri_template':
      return `path_match_policy ${quoted(path.template)}`;
    default:
      return `${path.kind} ${quoted(path.value)}${path.caseSensitive ? '' : ' (any case)'}`;
  }
}

/** Why a request does not fit the named field of a match; '' when there is nothing to add to the name. */
export function failureText(match: RouteMatchConfig, failedField: string, request: RequestState): string {
  const element = /^(\w+)\[(\d+)\]$/.exec(failedField);
  const field = element?.[1] ?? failedField;
  const index = Number(element?.[2] ?? 0);
  switch (field) {
    case 'headers': {
      const matcher = match.headers.at(index);
      return matcher === undefined ? '' : headerFailureText(matcher, request);
    }
    case 'query_parameters': {
      const matcher = match.queryParameters.at(index);
      if (matcher === undefined) return '';
      const wanted = matcher.matcher === null ? (matcher.present ? 'present' : 'absent') : stringText(matcher.matcher);
      const values = new URLSearchParams(request.path.split('?')[1] ?? '').getAll(matcher.name);
      return `${matcher.name} must be ${wanted}, ${values.length === 0 ? 'is absent' : `is ${values.map(quoted).join(', ')}`}`;
    }
    case 'runtime_fraction': {
      const fraction = match.runtimeFraction;
      if (fraction === null) return '';
      const { numerator, denominator } = fraction.defaultValue;
      return `takes ${numerator} of ${denominator}${fraction.runtimeKey === '' ? '' : ` (runtime key ${fraction.runtimeKey})`}, the random number falls outside`;
    }
    case 'grpc':
      return 'content-type must be application/grpc';
    case 'prefix':
    case 'path':
    case 'path_separated_prefix':
    case 'safe_regex':
    case 'path_match_policy':
    case 'connect_matcher':
      return field === 'connect_matcher' ? `the method is ${request.method}` : `the path is ${quoted(request.path.split(/[?#]/)[0])}`;
    default:
      return '';
  }
}

function headerFailureText(matcher: HeaderMatcherConfig, request: RequestState): string {
  const value = headerValue(request, matcher.name);
  const not = matcher.invert ? 'not ' : '';
  const is = value === undefined ? 'is absent' : `is ${quoted(value)}`;
  switch (matcher.kind) {
    case 'string':
      return `${matcher.name} must ${not}be ${stringText(matcher.matcher)}, ${is}`;
    case 'range':
      return `${matcher.name} must ${not}be in [${matcher.start}, ${matcher.end}), ${is}`;
    default:
      return `${matcher.name} must be ${matcher.present !== matcher.invert ? 'present' : 'absent'}, ${is}`;
  }
}

function headerValue(request: RequestState, name: string): string | undefined {
  switch (name) {
    case ':method':
      return request.method;
    case ':path':
      return request.path;
    case ':scheme':
      return request.scheme;
    case ':authority':
    case 'host':
      return request.authority;
    default: {
      const values = request.headers.filter(([known]) => known === name).map(([, value]) => value);
      return values.length === 0 ? undefined : values.join(',');
    }
  }
}

function stringText(matcher: StringMatcherConfig): string {
  if (matcher.kind === 'regex') return `matched by ${quoted(matcher.regex)}`;
  return `${matcher.kind} ${quoted(matcher.value)}${matcher.ignoreCase ? ' (any case)' : ''}`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
