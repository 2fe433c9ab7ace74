/**
 * What a filter that does nothing costs per request: headers in both directions, four classes of filters in turn so that call
 * sites see several shapes. CPU time of this process. Budget: 40 ns. Run: node bench/micro/noop_filter.ts
 */
import { TurnBuffer } from '../../core/buffer/turn_buffer.ts';
import { HeaderMap } from '../../core/headers/header_map.ts';
import { HeaderNames } from '../../core/headers/header_names.ts';
import type { FilterHeadersStatus, HttpFilter } from '../../core/http/filter.ts';
import { Direction, FilterIteration, type IterationOwner } from '../../core/http/filter_manager/filter_iteration.ts';

class NoopA implements HttpFilter {
  seen = 0;
  decodeHeaders(): FilterHeadersStatus {
    this.seen++;
    return 0;
  }
  encodeHeaders(): FilterHeadersStatus {
    return 0;
  }
}
class NoopB extends NoopA {
  other = 1;
}
class NoopC extends NoopA {
  more = '';
}
class NoopD extends NoopA {
  last = null;
}

const REQUESTS = 2_000_000;
const FILTERS = 8;

const owner: IterationOwner = {
  deliverHeaders: () => {}, deliverData: () => {}, deliverTrailers: () => {}, onBufferLimit: () => {}, onBufferWatermark: () => {},
  retainHeaders: () => {}, isIterationOver: () => false,
};

function run(filters: readonly HttpFilter[]): number {
  const slab = new Uint8Array(4096);
  const turn = new TurnBuffer(slab, 0, 2048, 2048, 2048);
  const headers = new HeaderMap(new HeaderNames(), turn);
  const decode = new FilterIteration(owner, Direction.decode, filters, slab);
  const encode = new FilterIteration(owner, Direction.encode, filters, slab);
  const pass = (count: number) => {
    for (let i = 0; i < count; i++) {
      decode.reset(0);
      encode.reset(0);
      decode.onHeaders(headers, true);
      encode.onHeaders(headers, true);
    }
  };
  pass(100_000);
  const before = process.cpuUsage();
  pass(REQUESTS);
  const spent = process.cpuUsage(before);
  return ((spent.user + spent.system) * 1000) / REQUESTS;
}

const classes = [NoopA, NoopB, NoopC, NoopD];
const filters = Array.from({ length: FILTERS }, (_, i) => new classes[i % classes.length]());
run(filters);
const empty = run([]);
const full = run(filters);
console.log(`chain of 0: ${empty.toFixed(1)} ns, chain of ${FILTERS}: ${full.toFixed(1)} ns, per filter and request: ${((full - empty) / FILTERS).toFixed(1)} ns`);
