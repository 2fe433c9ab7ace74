/** What `router-check` prints. */
import type { RouteEntryConfig } from '../../core/route/route_config.ts';
import type { RouteEntry } from '../../core/route/route_entry.ts';
import type { CheckFailure, CheckResult } from './route_checker.ts';
import type { UncoveredRoute } from './route_coverage.ts';

/** One test: its name, and of a failed one what differed and which route answered. */
export function renderResult(result: CheckResult): string {
  if (result.failures.length === 0) return `PASS ${result.name}\n`;
  const lines = [`FAIL ${result.name}`, ...result.failures.map((failure) => `     ${failureText(failure)}`), `     ${matchedText(result.route)}`];
  return `${lines.join('\n')}\n`;
}

/** In the words of Envoy's tool. */
function failureText({ field, expected, actual, isInverted }: CheckFailure): string {
  if (expected === undefined) return `actual: [${actual}], test type: ${field}`;
  return `expected: [${expected}], actual: ${isInverted ? 'NOT ' : ''}[${actual}], test type: ${field}`;
}

function matchedText(route: RouteEntry | null): string {
  if (route === null) return 'no route matched';
  const where = placeOf(route.config);
  return `matched ${route.routeName === '' ? 'the route' : `route '${route.routeName}'`} of virtual host '${route.virtualHostName}'${where === '' ? '' : ` at ${where}`}`;
}

/** `file:line:column` of a route, '' when it stands in no text. */
export function placeOf(route: Pick<RouteEntryConfig, 'position'>): string {
  const { position } = route;
  return position === null ? '' : `${position.file}:${position.line}:${position.column}`;
}

export function renderUncovered({ virtualHostName, route }: UncoveredRoute): string {
  const where = placeOf(route);
  return `Missing test for host: ${virtualHostName}, route name: ${route.name}${where === '' ? '' : ` (${where})`}\n`;
}

/** As C++ streams print a double: six significant digits. */
export function percentText(percent: number): string {
  return String(Number(percent.toPrecision(6)));
}
