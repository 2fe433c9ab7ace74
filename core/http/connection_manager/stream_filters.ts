import type { RouteEntry } from '../../route/route_entry.ts';
import { Direction, FilterIteration, type IterationOwner } from '../filter_manager/filter_iteration.ts';
import type { TerminalFilter } from '../terminal_filter.ts';
import { FilterHandle, type HandleStream } from './filter_handle.ts';
import type { ConfiguredFilter } from './manager_context.ts';

/** The filter objects of one (pooled) stream: both directions and the filter that ends the chain. */
export interface StreamFilters {
  readonly decode: FilterIteration;
  readonly encode: FilterIteration;
  /** In decoder order, the terminal filter's last. */
  readonly handles: readonly FilterHandle[];
  readonly terminal: TerminalFilter;
}

/** Makes a chain's filters for `stream`. The last of `configured` is the terminal one, which is given. */
export function createStreamFilters(stream: HandleStream & IterationOwner, configured: readonly ConfiguredFilter[], terminal: TerminalFilter, slab: Uint8Array): StreamFilters {
  const filters = configured.filter((filter) => filter.factory.isTerminal !== true).map((filter) => filter.factory.createFilter());
  const last = filters.length;
  const decode = new FilterIteration(stream, Direction.decode, filters, slab);
  const encode = new FilterIteration(stream, Direction.encode, [...filters].reverse(), slab);
  const handles = [...filters, terminal].map((filter, i) => new FilterHandle(stream, filter, configured[i].name, i, last - 1 - i, configured[i].disabled));
  for (const handle of handles) handle.filter.setCallbacks?.(handle);
  terminal.setTerminalCallbacks(handles[last]);
  return { decode, encode, handles, terminal };
}

/** Switches filters off or on as the route says; the terminal one is always on. */
export function applyRouteToFilters(handles: readonly FilterHandle[], route: RouteEntry): void {
  for (let i = 0; i < handles.length - 1; i++) handles[i].applyRoute(route);
}
