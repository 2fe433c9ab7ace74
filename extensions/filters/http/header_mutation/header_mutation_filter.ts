import { LogContext } from '../../../../core/access_log/access_log.ts';
import type { HeaderMap } from '../../../../core/headers/header_map.ts';
import { FilterHeadersStatus, FilterTrailersStatus, type FilterCallbacks, type FilterRoute, type HttpFilter } from '../../../../core/http/filter.ts';
import type { HeaderMutations } from '../../../../core/route/header_mutation_list.ts';
import type { Mutations } from './mutations.ts';

const NO_LEVELS: readonly Mutations[] = [];

/** What all streams of one header mutation filter on this worker share. */
export class HeaderMutationShared {
  readonly mutations: Mutations;
  private readonly mostSpecificWins: boolean;
  /** Levels of a route in the order in which they are applied; made when the route is first used. */
  private readonly levels: WeakMap<FilterRoute, readonly Mutations[]>;
  /** What formats read; one for all streams, as each is done with it at once. */
  readonly logContext: LogContext;

  constructor(mutations: Mutations, mostSpecificWins: boolean) {
    this.mutations = mutations;
    this.mostSpecificWins = mostSpecificWins;
    this.levels = new WeakMap();
    this.logContext = new LogContext();
  }

  levelsOf(callbacks: FilterCallbacks): readonly Mutations[] {
    const route = callbacks.route();
    if (route === null) return NO_LEVELS;
    const known = this.levels.get(route);
    if (known !== undefined) return known;
    const configs = callbacks.routeConfigs() as Mutations[];
    // What is applied last wins.
    const levels = this.mostSpecificWins ? configs : configs.reverse();
    this.levels.set(route, levels);
    return levels;
  }
}

/** Which mutations of a level are meant. */
type Part = 'request' | 'response' | 'requestTrailers' | 'responseTrailers';

/** Changes headers, trailers and the query: first as the filter says, then as the levels of the route say. */
export class HeaderMutationFilter implements HttpFilter {
  private readonly shared: HeaderMutationShared;
  private callbacks: FilterCallbacks | null;
  /** The route's levels, from the request's headers on; null before. */
  private levels: readonly Mutations[] | null;

  constructor(shared: HeaderMutationShared) {
    this.shared = shared;
    this.callbacks = null;
    this.levels = null;
  }

  setCallbacks(callbacks: FilterCallbacks): void {
    this.callbacks = callbacks;
  }

  decodeHeaders(headers: HeaderMap): FilterHeadersStatus {
    const callbacks = this.callbacks;
    if (callbacks === null) return FilterHeadersStatus.continue;
    this.mutate('request', headers, callbacks, null);
    return FilterHeadersStatus.continue;
  }

  decodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    if (this.callbacks !== null) this.mutate('requestTrailers', trailers, this.callbacks, null);
    return FilterTrailersStatus.continue;
  }

  encodeHeaders(headers: HeaderMap): FilterHeadersStatus {
    if (this.callbacks !== null) this.mutate('response', headers, this.callbacks, null);
    return FilterHeadersStatus.continue;
  }

  encodeTrailers(trailers: HeaderMap): FilterTrailersStatus {
    if (this.callbacks !== null) this.mutate('responseTrailers', trailers, this.callbacks, trailers);
    return FilterTrailersStatus.continue;
  }

  onDestroy(): void {
    this.levels = null;
  }

  private mutate(part: Part, headers: HeaderMap, callbacks: FilterCallbacks, responseTrailers: HeaderMap | null): void {
    const { shared } = this;
    this.levels ??= shared.levelsOf(callbacks);
    const levels = this.levels;
    const context = shared.logContext;
    const isResponse = part === 'response' || part === 'responseTrailers';
    context.info = callbacks.streamInfo;
    context.requestHeaders = callbacks.requestHeaders();
    context.responseHeaders = part === 'response' ? headers : isResponse ? callbacks.responseHeaders() : null;
    context.responseTrailers = responseTrailers;
    applyLevel(shared.mutations, part, headers, context);
    for (let i = 0; i < levels.length; i++) applyLevel(levels[i], part, headers, context);
    context.info = null;
    context.requestHeaders = null;
    context.responseHeaders = null;
    context.responseTrailers = null;
  }
}

function applyLevel(level: Mutations, part: Part, headers: HeaderMap, context: LogContext): void {
  const mutations: HeaderMutations = level[part];
  if (!mutations.isEmpty) mutations.evaluate(headers, context);
  if (part === 'request' && !level.query.isEmpty) level.query.evaluate(headers, context);
}
