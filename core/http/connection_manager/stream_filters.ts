import type { HeaderMap } from '../../headers/header_map.ts';
import type { RouteEntry } from '../../route/route_entry.ts';
import type { IoDispatcher } from '../../network/io_dispatcher.ts';
import type { ConfiguredFilter } from '../filter_manager/configured_filter.ts';
import { type FilteredStream, FilterHandle } from '../filter_manager/filter_handle.ts';
import { Direction, FilterIteration, type IterationOwner } from '../filter_manager/filter_iteration.ts';
import type { TerminalFilter } from '../terminal_filter.ts';
import { TerminalHandle, type TerminatedStream } from './terminal_handle.ts';

/** The filter objects of one (pooled) stream: both directions and the filter that ends the chain. */
export interface StreamFilters {
  readonly decode: FilterIteration;
  readonly encode: FilterIteration;
  /** In decoder order, without the terminal filter's. */
  readonly handles: readonly FilterHandle[];
  readonly terminal: TerminalFilter;
}

/** Makes a chain's filters for `stream`. The last of `configured` is the terminal one, which is given. */
export function createStreamFilters(stream: TerminatedStream & IterationOwner, configured: readonly ConfiguredFilter[], terminal: TerminalFilter, dispatcher: IoDispatcher): StreamFilters {
  const filters = configured.filter((filter) => filter.factory.isTerminal !== true).map((filter) => filter.factory.createFilter());
  const { slab } = dispatcher.io;
  const place = (i: number) => ({ name: configured[i].name, decodeIndex: i, encodeIndex: filters.length - 1 - i, isDisabledByDefault: configured[i].disabled });
  const decode = new FilterIteration(stream, Direction.decode, filters, slab);
  const encode = new FilterIteration(stream, Direction.encode, [...filters].reverse(), slab);
  const handles = filters.map((filter, i) => new FilterHandle(stream, dispatcher, filter, place(i)));
  const terminalHandle = new TerminalHandle(stream, dispatcher, terminal, place(filters.length));
  for (const handle of handles) handle.filter.setCallbacks?.(handle);
  terminal.setCallbacks?.(terminalHandle);
  terminal.setTerminalCallbacks(terminalHandle);
  return { decode, encode, handles, terminal };
}

/** Shows an interim response to the filters: whether it goes on to the client. */
export function passes1xx(stream: FilteredStream, headers: HeaderMap): boolean {
  try {
    return stream.encode.on1xxHeaders(headers) && !stream.isDestroyed;
  } catch (error) {
    stream.onEscaped(error);
    return false;
  }
}

/** Switches filters off or on as the route says. */
export function applyRouteToFilters(handles: readonly FilterHandle[], route: RouteEntry): void {
  for (let i = 0; i < handles.length; i++) handles[i].applyRoute(route);
}
