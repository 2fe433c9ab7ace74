import type { Instance } from '../../server/instance.ts';
import { statsPage } from '../console/stats_page.ts';
import {
  choice, flag, HTML, JSON_TYPE, streamReply, text, TEXT, textReply, type AdminHandler, type AdminReply, type AdminRequest,
} from '../handler.ts';
import { prometheusText } from './prometheus.ts';
import { statsJson } from './stats_json.ts';
import { isReply, parseStatsParams, type StatsParams } from './stats_params.ts';
import { statsText } from './stats_text.ts';

const USED_ONLY = flag('usedonly', 'Only include stats that have been written by system since restart');
const FILTER = text('filter', 'Regular expression (Google re2) for filtering stats');

/** `/stats`: all stats as text, JSON, Prometheus text or a page. */
export function statsHandler(instance: Instance): AdminHandler {
  return {
    path: '/stats',
    help: 'print server stats',
    mutates: false,
    params: [
      USED_ONLY,
      FILTER,
      choice('format', 'Format to use', ['html', 'active-html', 'text', 'json']),
      choice('type', 'Stat types to include.', ['All', 'Counters', 'Histograms', 'Gauges', 'TextReadouts']),
      choice('histogram_buckets', 'Histogram bucket display mode', ['cumulative', 'disjoint', 'detailed', 'summary']),
    ],
    handle: (request) => answer(instance, request, undefined),
  };
}

/** `/stats/prometheus`. */
export function prometheusHandler(instance: Instance): AdminHandler {
  return {
    path: '/stats/prometheus',
    help: 'print server stats in prometheus format',
    mutates: false,
    params: [
      USED_ONLY,
      flag('text_readouts', 'Render text_readouts as new gaugues with value 0 (increases Prometheus data size)'),
      FILTER,
      choice('histogram_buckets', 'Histogram bucket display mode', ['cumulative', 'summary']),
    ],
    handle: (request) => answer(instance, request, 'prometheus'),
  };
}

/** `/reset_counters`. */
export function resetCountersHandler(instance: Instance): AdminHandler {
  return {
    path: '/reset_counters',
    help: 'reset all counters to zero',
    mutates: true,
    params: [],
    handle() {
      instance.stats.resetCounters();
      return textReply('OK\n');
    },
  };
}

async function answer(instance: Instance, request: AdminRequest, forced: 'prometheus' | undefined): Promise<AdminReply> {
  const params = parseStatsParams(request.params);
  if (isReply(params)) return params;
  if (instance.flushStatsOnAdmin) await instance.flushStats();
  return render(instance, forced === undefined ? params : { ...params, format: forced });
}

async function render(instance: Instance, params: StatsParams): Promise<AdminReply> {
  switch (params.format) {
    case 'prometheus':
      return streamReply(TEXT, prometheusText(await instance.stats.byFamily(), params));
    case 'json':
      return streamReply(JSON_TYPE, statsJson(await instance.stats.byName(), params));
    case 'text':
      return streamReply(TEXT, statsText(await instance.stats.byName(), params));
    case 'html':
    case 'active-html':
      return streamReply(HTML, statsPage(params, statsText(await instance.stats.byName(), params)));
  }
}
