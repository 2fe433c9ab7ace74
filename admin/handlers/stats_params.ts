import { RE2JS, RE2JSException } from 're2js';
import type { QueryParams } from '../query_params.ts';
import { textReply, type AdminReply } from '../handler.ts';

export type StatsFormat = 'html' | 'active-html' | 'json' | 'prometheus' | 'text';
export type StatsType = 'All' | 'Counters' | 'Gauges' | 'Histograms' | 'TextReadouts';
export type HistogramMode = 'quantiles' | 'cumulative' | 'disjoint' | 'detailed' | 'summary';

const FORMATS: readonly StatsFormat[] = ['html', 'active-html', 'json', 'prometheus', 'text'];
const TYPES: readonly StatsType[] = ['All', 'Counters', 'Gauges', 'Histograms', 'TextReadouts'];
const MODES: readonly HistogramMode[] = ['cumulative', 'disjoint', 'detailed', 'summary'];

/** What a request for stats asks for. */
export interface StatsParams {
  readonly format: StatsFormat;
  readonly type: StatsType;
  readonly usedOnly: boolean;
  readonly histogramMode: HistogramMode;
  /** Whether the filter (an unanchored RE2 regex) lets a name pass. */
  readonly accepts: (name: string) => boolean;
  /** The filter's text, '' = none. */
  readonly filter: string;
  /** Prometheus: text readouts as gauges of value 0. */
  readonly textReadouts: boolean;
  /** hidden=only: hidden gauges alone, of which there are none. */
  readonly hiddenOnly: boolean;
}

/** The parameters, or the answer that refuses them. */
export function parseStatsParams(params: QueryParams): StatsParams | AdminReply {
  const filter = params.first('filter') ?? '';
  const accepts = compileFilter(filter);
  if (accepts === undefined) return textReply('Invalid re2 regex', 400);
  const mode = params.first('histogram_buckets');
  const histogramMode = mode === undefined || mode === '' ? 'quantiles' : MODES.find((known) => known === mode);
  if (histogramMode === undefined) return textReply('usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary)\n', 400);
  const hidden = params.first('hidden');
  if (hidden !== undefined && !['include', 'only', 'exclude'].includes(hidden)) {
    return textReply('usage: /stats?hidden=(include|only|exclude)\n\n', 400);
  }
  const typeText = params.first('type');
  const type = typeText === undefined || typeText === '' ? 'All' : TYPES.find((known) => known === typeText);
  if (type === undefined) return textReply('invalid &type= param', 400);
  const formatText = params.first('format');
  const format = formatText === undefined || formatText === '' ? 'text' : FORMATS.find((known) => known === formatText);
  if (format === undefined) return textReply('usage: /stats?format=(html|active-html|json|prometheus|text)\n\n', 400);
  return {
    format, type, histogramMode, accepts, filter,
    usedOnly: params.has('usedonly'), textReadouts: params.has('text_readouts'), hiddenOnly: hidden === 'only',
  };
}

/** Whether parsing failed and this is the answer. */
export function isReply(value: StatsParams | AdminReply): value is AdminReply {
  return 'body' in value;
}

function compileFilter(filter: string): ((name: string) => boolean) | undefined {
  if (filter === '') return () => true;
  try {
    const regex = RE2JS.compile(filter);
    return (name) => regex.test(name);
  } catch (error) {
    if (error instanceof RE2JSException) return undefined;
    throw error;
  }
}
