import type { BodyPieces } from '../handler.ts';
import type { StatsParams } from '../handlers/stats_params.ts';
import { escapeHtml, PAGE_END, pageStart } from './html.ts';

/** Seconds between two readings of the active page. */
const REFRESH_SECONDS = 5;

/** `/stats?format=html`: the text listing with a form above it; `active-html` reloads itself. */
export function* statsPage(params: StatsParams, stats: BodyPieces): BodyPieces {
  const refresh = params.format === 'active-html' ? `\n<meta http-equiv="refresh" content="${REFRESH_SECONDS}">` : '';
  yield pageStart('envoyts stats', refresh);
  yield '<header><h1><a href="/">admin</a> / stats</h1></header>\n<main>\n<section><form class="endpoint" action="stats" method="get">'
    + '<div class="params">'
    + `<label>filter <input type="text" name="filter" value="${escapeHtml(params.filter)}"></label>`
    + `<label><input type="checkbox" name="usedonly" value="y"${params.usedOnly ? ' checked' : ''}> usedonly</label>`
    + select('type', ['All', 'Counters', 'Gauges', 'Histograms', 'TextReadouts'], params.type)
    + select('histogram_buckets', ['', 'cumulative', 'disjoint', 'detailed'], params.histogramMode === 'quantiles' ? '' : params.histogramMode)
    + select('format', ['html', 'active-html', 'text', 'json'], params.format)
    + '<button>show</button></div></form></section>\n<h2>Stats</h2>\n<pre>';
  for (const piece of stats) yield escapeHtml(piece);
  yield `</pre>\n</main>\n${PAGE_END}`;
}

function select(name: string, options: readonly string[], chosen: string): string {
  const list = options.map((option) => `<option${option === chosen ? ' selected' : ''}>${option}</option>`).join('');
  return `<label>${name} <select name="${name}">${list}</select></label>`;
}
