import { describe, expect, it } from 'vitest';
import { headerMap, turnBuffer } from '../../../test/support/header_map.ts';
import type { BodyData } from '../../buffer/body_data.ts';
import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderNames } from '../../headers/header_names.ts';
import { FilterDataStatus, FilterHeadersStatus, FilterTrailersStatus, type HttpFilter } from '../filter.ts';
import { Direction, FilterIteration, type IterationOwner } from './filter_iteration.ts';

const H = FilterHeadersStatus;
const D = FilterDataStatus;
const T = FilterTrailersStatus;
const NAMES = new HeaderNames();

/** What one filter answers; the last status of a list is repeated. */
interface Script {
  readonly headers?: FilterHeadersStatus;
  readonly data?: readonly FilterDataStatus[];
  readonly trailers?: FilterTrailersStatus;
  readonly onHeaders?: () => void;
  readonly onData?: (data: BodyData) => void;
  readonly onTrailers?: () => void;
}

/** A chain of scripted filters `a`, `b`, … and everything that happened, in order. */
class Chain implements IterationOwner {
  readonly log: string[] = [];
  readonly iteration: FilterIteration;
  readonly headers: HeaderMap;
  readonly trailers: HeaderMap;
  isOver = false;
  private readonly turn = turnBuffer();
  private readonly direction: number;

  constructor(direction: number, scripts: readonly Script[], limit = 0) {
    this.direction = direction;
    this.headers = headerMap(NAMES, [['x', '1']], this.turn);
    this.trailers = headerMap(NAMES, [['t', '1']], this.turn);
    this.iteration = new FilterIteration(this, direction, scripts.map((script, i) => this.filter('abcdef'[i], script)), this.turn.slab);
    this.iteration.reset(limit);
  }

  private filter(name: string, script: Script): HttpFilter {
    let calls = 0;
    const headers = (_headers: HeaderMap, end: boolean) => {
      this.log.push(`${name}.headers${end ? ' end' : ''}`);
      script.onHeaders?.();
      return script.headers ?? H.continue;
    };
    const data = (body: BodyData, end: boolean) => {
      this.log.push(`${name}.data ${body.toString()}${end ? ' end' : ''}`);
      script.onData?.(body);
      const statuses = script.data ?? [D.continue];
      return statuses[Math.min(calls++, statuses.length - 1)];
    };
    const trailers = () => {
      this.log.push(`${name}.trailers`);
      script.onTrailers?.();
      return script.trailers ?? T.continue;
    };
    return this.direction === Direction.decode
      ? { decodeHeaders: headers, decodeData: data, decodeTrailers: trailers }
      : { encodeHeaders: headers, encodeData: data, encodeTrailers: trailers };
  }

  onHeaders(end = false): this {
    this.iteration.onHeaders(this.headers, end);
    return this;
  }

  onData(text: string, end = false): this {
    this.iteration.onData(Buffer.from(text), 0, text.length, end);
    return this;
  }

  onTrailers(): this {
    this.iteration.onTrailers(this.trailers);
    return this;
  }

  /** What happened since the last call. */
  take(): string[] {
    return this.log.splice(0);
  }

  deliverHeaders(_direction: number, _headers: HeaderMap, end: boolean): void {
    this.log.push(`out.headers${end ? ' end' : ''}`);
  }
  deliverData(_direction: number, bytes: Uint8Array, offset: number, length: number, end: boolean): void {
    this.log.push(`out.data ${Buffer.from(bytes).toString('latin1', offset, offset + length)}${end ? ' end' : ''}`);
  }
  deliverTrailers(): void {
    this.log.push('out.trailers');
  }
  onBufferLimit(): void {
    this.log.push('limit');
    this.isOver = true;
  }
  onBufferWatermark(_direction: number, isAbove: boolean): void {
    this.log.push(isAbove ? 'above' : 'below');
  }
  retainHeaders(): void {
    this.log.push('retain');
  }
  isIterationOver(): boolean {
    return this.isOver;
  }
}

const DIRECTIONS = [['decoding', Direction.decode], ['encoding', Direction.encode]] as const;

describe.each(DIRECTIONS)('%s', (_name, direction) => {
  const chain = (scripts: readonly Script[], limit = 0) => new Chain(direction, scripts, limit);

  it('passes every part through all filters in order', () => {
    const c = chain([{}, {}]).onHeaders().onData('1').onData('2').onTrailers();
    expect(c.take()).toEqual([
      'a.headers', 'b.headers', 'out.headers', 'a.data 1', 'b.data 1', 'out.data 1', 'a.data 2', 'b.data 2', 'out.data 2', 'a.trailers', 'b.trailers', 'out.trailers',
    ]);
  });

  it('says the end with the last part', () => {
    expect(chain([{}]).onHeaders(true).take()).toEqual(['a.headers end', 'out.headers end']);
    expect(chain([{}]).onHeaders().onData('1', true).take()).toEqual(['a.headers', 'out.headers', 'a.data 1 end', 'out.data 1 end']);
  });

  it('needs no filters', () => {
    expect(chain([]).onHeaders().onData('1').onTrailers().take()).toEqual(['out.headers', 'out.data 1', 'out.trailers']);
  });

  describe('headers: stopIteration', () => {
    it('holds headers, shows data to the filter that stopped, goes on when it returns continue', () => {
      const c = chain([{}, { headers: H.stopIteration, data: [D.stopIterationAndBuffer, D.continue] }, {}]).onHeaders();
      expect(c.take()).toEqual(['a.headers', 'b.headers', 'retain']);
      expect(c.onData('1').take()).toEqual(['a.data 1', 'b.data 1']);
      expect(c.onData('2', true).take()).toEqual(['a.data 2 end', 'b.data 2 end', 'c.headers', 'out.headers', 'c.data 12 end', 'out.data 12 end']);
    });

    it('resumes with the headers alone', () => {
      const c = chain([{ headers: H.stopIteration }]).onHeaders(true);
      c.take();
      c.iteration.resume(0);
      expect(c.take()).toEqual(['out.headers end']);
    });

    it('resumes with what was buffered', () => {
      const c = chain([{ headers: H.stopIteration, data: [D.stopIterationAndBuffer] }, {}]).onHeaders().onData('1').onData('2', true);
      c.take();
      c.iteration.resume(0);
      expect(c.take()).toEqual(['b.headers', 'out.headers', 'b.data 12 end', 'out.data 12 end']);
    });

    it('resumes in the middle of the body and then streams', () => {
      const c = chain([{ headers: H.stopIteration, data: [D.stopIterationAndBuffer, D.continue] }]).onHeaders().onData('1');
      c.take();
      c.iteration.resume(0);
      expect(c.take()).toEqual(['out.headers', 'out.data 1']);
      expect(c.onData('2', true).take()).toEqual(['a.data 2 end', 'out.data 2 end']);
    });

    it('resumes with the end on the headers when the filter kept the whole body', () => {
      const c = chain([{ headers: H.stopIteration, data: [D.stopIterationNoBuffer] }]).onHeaders().onData('1', true);
      c.take();
      c.iteration.resume(0);
      expect(c.take()).toEqual(['out.headers end']);
    });

    it('goes on with everything when the trailers pass it', () => {
      const c = chain([{ headers: H.stopIteration, data: [D.stopIterationAndBuffer] }, {}]).onHeaders().onData('1');
      c.take();
      expect(c.onTrailers().take()).toEqual(['a.trailers', 'b.headers', 'out.headers', 'b.data 1', 'out.data 1', 'b.trailers', 'out.trailers']);
    });

    it('holds trailers too until resumed', () => {
      const c = chain([{ headers: H.stopIteration, data: [D.stopIterationAndBuffer], trailers: T.stopIteration }, {}]).onHeaders().onData('1').onTrailers();
      expect(c.take().slice(-1)).toEqual(['a.trailers']);
      c.iteration.resume(0);
      expect(c.take()).toEqual(['b.headers', 'out.headers', 'b.data 1', 'out.data 1', 'b.trailers', 'out.trailers']);
    });

    it('two filters may hold one after the other', () => {
      const c = chain([{ headers: H.stopIteration, data: [D.stopIterationAndBuffer] }, { headers: H.stopIteration, data: [D.stopIterationAndBuffer] }]).onHeaders().onData('1', true);
      c.take();
      c.iteration.resume(0);
      expect(c.take()).toEqual(['b.headers', 'retain', 'b.data 1 end']);
      c.iteration.resume(1);
      expect(c.take()).toEqual(['out.headers', 'out.data 1 end']);
    });

    it('is resumed from inside the data callback', () => {
      let c: Chain;
      const scripts: Script[] = [{ headers: H.stopIteration, data: [D.stopIterationAndBuffer, D.continue], onData: (data) => data.toString() === '2' && c.iteration.resume(0) }, {}];
      c = chain(scripts).onHeaders().onData('1');
      c.take();
      expect(c.onData('2', true).take().filter((line) => line.startsWith('out'))).toEqual(['out.headers', expect.stringMatching(/^out.data 1/), 'out.data 2 end']);
    });
  });

  describe.each([['stopAllIterationAndBuffer', H.stopAllIterationAndBuffer], ['stopAllIterationAndWatermark', H.stopAllIterationAndWatermark]] as const)('headers: %s', (_status, status) => {
    it('shows the filter nothing more until resumed, then everything', () => {
      const c = chain([{}, { headers: status }, {}]).onHeaders();
      c.take();
      expect(c.onData('1').take()).toEqual(['a.data 1']);
      expect(c.onData('2', true).take()).toEqual(['a.data 2 end']);
      c.iteration.resume(1);
      expect(c.take()).toEqual(['c.headers', 'out.headers', 'b.data 12 end', 'c.data 12 end', 'out.data 12 end']);
    });

    it('holds the end of headers alone', () => {
      const c = chain([{ headers: status }]).onHeaders(true);
      c.take();
      c.iteration.resume(0);
      expect(c.take()).toEqual(['out.headers end']);
    });

    it('holds trailers; filters before it see them', () => {
      const c = chain([{}, { headers: status }, {}]).onHeaders().onData('1').onTrailers();
      expect(c.take()).toEqual(['a.headers', 'b.headers', 'retain', 'a.data 1', 'a.trailers']);
      c.iteration.resume(1);
      expect(c.take()).toEqual(['c.headers', 'out.headers', 'b.data 1', 'c.data 1', 'out.data 1', 'b.trailers', 'c.trailers', 'out.trailers']);
    });

    it('holds trailers without data', () => {
      const c = chain([{}, { headers: status }]).onHeaders().onTrailers();
      c.take();
      c.iteration.resume(1);
      expect(c.take()).toEqual(['out.headers', 'b.trailers', 'out.trailers']);
    });

    it('streams again after it was resumed', () => {
      const c = chain([{ headers: status }]).onHeaders().onData('1');
      c.iteration.resume(0);
      c.take();
      expect(c.onData('2', true).take()).toEqual(['a.data 2 end', 'out.data 2 end']);
    });
  });

  describe('headers: continueAndDontEndStream', () => {
    it('lets the filter add a body', () => {
      const c = chain([{ headers: H.continueAndDontEndStream }, {}]).onHeaders(true);
      expect(c.take()).toEqual(['a.headers end', 'b.headers', 'out.headers']);
    });
  });

  describe('data', () => {
    it('stopIterationAndBuffer keeps it until continue, which passes all of it', () => {
      const c = chain([{ data: [D.stopIterationAndBuffer, D.stopIterationAndBuffer, D.continue] }, {}]).onHeaders();
      c.take();
      c.onData('1').onData('2');
      expect(c.take()).toEqual(['a.data 1', 'a.data 2']);
      expect(c.onData('3', true).take()).toEqual(['a.data 3 end', 'b.data 123 end', 'out.data 123 end']);
    });

    it('stopIterationNoBuffer drops it', () => {
      const c = chain([{ data: [D.stopIterationNoBuffer, D.continue] }]).onHeaders();
      c.take();
      expect(c.onData('1').onData('2', true).take()).toEqual(['a.data 1', 'a.data 2 end', 'out.data 2 end']);
    });

    it.each([['stopIterationAndBuffer', D.stopIterationAndBuffer], ['stopIterationAndWatermark', D.stopIterationAndWatermark]] as const)('%s is resumed', (_status, status) => {
      const c = chain([{}, { data: [status] }, {}]).onHeaders().onData('1').onData('2', true);
      c.take();
      c.iteration.resume(1);
      expect(c.take()).toEqual(['c.data 12 end', 'out.data 12 end']);
    });

    it('held data goes on when trailers pass', () => {
      const c = chain([{ data: [D.stopIterationAndBuffer] }, {}]).onHeaders().onData('1');
      c.take();
      expect(c.onTrailers().take()).toEqual(['a.trailers', 'b.data 1', 'out.data 1', 'b.trailers', 'out.trailers']);
    });

    it('held data and trailers are resumed together', () => {
      const c = chain([{ data: [D.stopIterationAndBuffer], trailers: T.stopIteration }, {}]).onHeaders().onData('1').onTrailers();
      c.take();
      c.iteration.resume(0);
      expect(c.take()).toEqual(['b.data 1', 'out.data 1', 'b.trailers', 'out.trailers']);
    });

    it('what one filter released another may hold', () => {
      const c = chain([{ data: [D.stopIterationAndBuffer] }, { data: [D.stopIterationAndBuffer] }]).onHeaders().onData('1', true);
      c.take();
      c.iteration.resume(0);
      expect(c.take()).toEqual(['b.data 1 end']);
      c.iteration.resume(1);
      expect(c.take()).toEqual(['out.data 1 end']);
    });

    it('a filter may replace it', () => {
      const c = chain([{ onData: (data) => data.set(Buffer.from('other'), 0, 5) }, {}]).onHeaders();
      c.take();
      expect(c.onData('1', true).take()).toEqual(['a.data 1 end', 'b.data other end', 'out.data other end']);
    });

    it('an empty last piece ends the stream', () => {
      const c = chain([{}]).onHeaders().onData('1').onData('', true);
      expect(c.take().slice(-2)).toEqual(['a.data  end', 'out.data  end']);
    });

    it('held data whose end comes empty is released with the end', () => {
      const c = chain([{ data: [D.stopIterationAndBuffer] }]).onHeaders().onData('1').onData('', true);
      c.take();
      c.iteration.resume(0);
      expect(c.take()).toEqual(['out.data 1 end']);
    });
  });

  describe('trailers', () => {
    it('stopIteration holds them until resumed', () => {
      const c = chain([{}, { trailers: T.stopIteration }, {}]).onHeaders().onData('1').onTrailers();
      expect(c.take().slice(-2)).toEqual(['a.trailers', 'b.trailers']);
      c.iteration.resume(1);
      expect(c.take()).toEqual(['c.trailers', 'out.trailers']);
    });

    it('each of two may hold them', () => {
      const c = chain([{ trailers: T.stopIteration }, { trailers: T.stopIteration }]).onHeaders().onTrailers();
      c.take();
      c.iteration.resume(0);
      expect(c.take()).toEqual(['b.trailers']);
      c.iteration.resume(1);
      expect(c.take()).toEqual(['out.trailers']);
    });
  });

  describe('resume', () => {
    it('of a filter that holds nothing does nothing', () => {
      const c = chain([{}, {}]).onHeaders().onData('1');
      c.take();
      c.iteration.resume(0);
      c.iteration.resume(1);
      expect(c.take()).toEqual([]);
    });

    it('twice does nothing the second time', () => {
      const c = chain([{ headers: H.stopIteration, data: [D.stopIterationAndBuffer] }]).onHeaders().onData('1', true);
      c.iteration.resume(0);
      c.take();
      c.iteration.resume(0);
      expect(c.take()).toEqual([]);
    });

    it('of an answered stream does nothing', () => {
      const c = chain([{ headers: H.stopIteration }]).onHeaders(true);
      c.take();
      c.isOver = true;
      c.iteration.resume(0);
      expect(c.take()).toEqual([]);
    });
  });

  describe('addData', () => {
    it('in headers gives a message a body', () => {
      let c: Chain;
      c = chain([{ headers: H.continue, onHeaders: () => c.iteration.addData(0, Buffer.from('new')) }, {}]);
      expect(c.onHeaders(true).take()).toEqual(['a.headers end', 'b.headers', 'out.headers', 'b.data new end', 'out.data new end']);
    });

    it('in data goes in front of what is being looked at', () => {
      let c: Chain;
      c = chain([{ onData: () => c.iteration.addData(0, Buffer.from('+')) }, {}]);
      expect(c.onHeaders().onData('1', true).take().slice(-2)).toEqual(['b.data +1 end', 'out.data +1 end']);
    });

    it('in trailers goes out before them', () => {
      let c: Chain;
      c = chain([{ onTrailers: () => c.iteration.addData(0, Buffer.from('last')) }, {}]);
      expect(c.onHeaders().onData('1').onTrailers().take().slice(-5)).toEqual(['a.trailers', 'b.data last', 'out.data last', 'b.trailers', 'out.trailers']);
    });

    it('behind what is held', () => {
      const c = chain([{ data: [D.stopIterationAndBuffer] }]).onHeaders().onData('1');
      c.iteration.addData(0, Buffer.from('2'));
      c.take();
      c.onData('3', true);
      c.iteration.resume(0);
      expect(c.take()).toEqual(['a.data 3 end', 'out.data 123 end']);
    });
  });

  describe('limits', () => {
    it.each([
      ['data stopIterationAndBuffer', { data: [D.stopIterationAndBuffer] }],
      ['headers stopIteration, data stopIterationAndBuffer', { headers: H.stopIteration, data: [D.stopIterationAndBuffer] }],
      ['headers stopAllIterationAndBuffer', { headers: H.stopAllIterationAndBuffer }],
    ] as const)('%s: more than the limit is an error', (_case, script) => {
      const c = chain([script], 3).onHeaders().onData('123');
      expect(c.take()).not.toContain('limit');
      expect(c.onData('4').take()).toContain('limit');
    });

    it.each([
      ['data stopIterationAndWatermark', { data: [D.stopIterationAndWatermark] }],
      ['headers stopIteration, data stopIterationAndWatermark', { headers: H.stopIteration, data: [D.stopIterationAndWatermark] }],
      ['headers stopAllIterationAndWatermark', { headers: H.stopAllIterationAndWatermark }],
    ] as const)('%s: more than the limit stops the sender until it is released', (_case, script) => {
      const c = chain([script], 3).onHeaders().onData('123');
      expect(c.take()).not.toContain('above');
      c.onData('4').onData('5', true);
      expect(c.take().filter((line) => line === 'above')).toEqual(['above']);
      c.iteration.resume(0);
      const lines = c.take();
      expect(lines.filter((line) => line === 'below')).toEqual(['below']);
      expect(lines.at(-1)).toBe('out.data 12345 end');
    });

    it('none without a limit', () => {
      const c = chain([{ data: [D.stopIterationAndBuffer] }]).onHeaders().onData('x'.repeat(100_000));
      expect(c.take()).not.toContain('limit');
    });
  });

  it.each(['onHeaders', 'onData', 'onTrailers'] as const)('an answer in %s ends the iteration there', (place) => {
    let c: Chain;
    c = chain([{ [place]: () => void (c.isOver = true) }, {}]);
    c.onHeaders();
    if (place !== 'onHeaders') c.onData('1');
    if (place === 'onTrailers') c.onTrailers();
    const last = { onHeaders: 'a.headers', onData: 'a.data 1', onTrailers: 'a.trailers' }[place];
    expect(c.take().at(-1)).toBe(last);
  });

  it('a filter switched off sees nothing', () => {
    const c = chain([{}, { headers: H.stopIteration }]);
    c.iteration.setOff(1, true);
    expect(c.onHeaders().onData('1').onTrailers().take().filter((line) => line.startsWith('b'))).toEqual([]);
  });

  it('is as new after reset', () => {
    const c = chain([{ headers: H.stopIteration, data: [D.stopIterationAndBuffer], trailers: T.stopIteration }]).onHeaders().onData('1').onTrailers();
    c.iteration.reset(0);
    c.take();
    expect(c.iteration.isHeld).toBe(false);
    c.onHeaders().onData('2', true);
    c.iteration.resume(0);
    expect(c.take()).toEqual(['a.headers', 'retain', 'a.data 2 end', 'out.headers', 'out.data 2 end']);
  });
});

describe('every status in every method', () => {
  const headers = Object.entries(H);
  const data = Object.entries(D);
  const trailers = Object.entries(T);
  const shapes = ['headers', 'headers data', 'headers data data', 'headers data trailers', 'headers trailers'] as const;
  const table = DIRECTIONS.flatMap(([direction, number]) =>
    headers.flatMap(([h, hStatus]) => data.flatMap(([d, dStatus]) => trailers.flatMap(([t, tStatus]) => shapes.map((shape) => ({ direction, number, h, hStatus, d, dStatus, t, tStatus, shape }))))),
  );

  it.each(table)('$direction: headers $h, data $d, trailers $t, message $shape', ({ number, hStatus, dStatus, tStatus, shape }) => {
    const parts = shape.split(' ');
    const c = new Chain(number, [{}, { headers: hStatus, data: [dStatus], trailers: tStatus }, {}]);
    parts.forEach((part, i) => {
      const isEnd = i === parts.length - 1;
      if (part === 'headers') c.onHeaders(isEnd);
      else if (part === 'data') c.onData(String(i), isEnd);
      else c.onTrailers();
    });
    // As often as it can have stopped.
    for (let i = 0; i < 4; i++) c.iteration.resume(1);
    const lines = c.take();
    const of = (who: string) => lines.filter((line) => line.startsWith(`${who}.`)).map((line) => line.slice(2));
    const kinds = (who: string) => of(who).map((line) => line.split(' ')[0].replace('.', ''));
    // The filter before sees each part once, as it came.
    expect(kinds('a')).toEqual(parts);
    // Everybody sees headers first, once; trailers last, once.
    for (const who of ['b', 'c', 'out']) {
      const seen = lines.filter((line) => line.startsWith(`${who}.`)).map((line) => line.split(/[. ]/)[1]);
      expect(seen[0]).toBe('headers');
      expect(seen.filter((kind) => kind === 'headers').length).toBe(1);
      expect(seen.filter((kind) => kind === 'trailers').length).toBe(parts.includes('trailers') ? 1 : 0);
      if (parts.includes('trailers')) expect(seen.at(-1)).toBe('trailers');
    }
    // The end is said once, with the last part (trailers say it themselves).
    const out = lines.filter((line) => line.startsWith('out.'));
    const wantsBody = hStatus === H.continueAndDontEndStream && shape === 'headers';
    // A filter that passes headers on but keeps the whole body must add an end of its own.
    const keepsBody = dStatus === D.stopIterationNoBuffer && shape.includes('data') && (hStatus === H.continue || hStatus === H.continueAndDontEndStream || hStatus >= H.stopAllIterationAndBuffer);
    const ends = out.filter((line) => line.endsWith(' end') || line === 'out.trailers');
    if (!wantsBody && !(keepsBody && !parts.includes('trailers'))) expect(ends).toEqual([out.at(-1)]);
    // Body bytes arrive whole and in order, unless the filter kept them.
    const body = out.filter((line) => line.startsWith('out.data')).map((line) => line.replace(/^out.data /, '').replace(/ end$/, '')).join('');
    const sent = parts.map((part, i) => (part === 'data' ? String(i) : '')).join('');
    expect(body).toBe(dStatus === D.stopIterationNoBuffer ? '' : sent);
  });
});
