import type { Instance } from '../../server/instance.ts';
import type { AdminHandler, AdminParam, BodyPieces } from '../handler.ts';
import { escapeHtml, PAGE_END, pageStart } from './html.ts';

/** Endpoints by what a person comes for; what is in no group goes under "More". */
const GROUPS: readonly (readonly [string, readonly string[]])[] = [
  ['Traffic', ['/stats', '/stats/prometheus', '/clusters', '/listeners']],
  ['Server', ['/ready', '/server_info', '/memory', '/certs', '/init_dump', '/hot_restart_version', '/contention']],
  ['Configuration', ['/explain', '/config_dump', '/runtime', '/runtime_modify']],
  ['Logs', ['/logging', '/reopen_logs']],
  ['Operation', ['/healthcheck/fail', '/healthcheck/ok', '/drain_listeners', '/reset_counters', '/quitquitquit']],
  ['Profiling', ['/cpuprofiler', '/heapprofiler']],
];

/** The page at `/`: state, and every endpoint as a link or a form. Needs no script and nothing from elsewhere. */
export function* homePage(handlers: readonly AdminHandler[], instance: Instance): BodyPieces {
  const state = instance.state();
  const uptime = Math.max(0, Math.floor((instance.nowMs() - instance.startTimeMs) / 1000));
  yield pageStart('envoyts admin');
  yield `<header><h1>envoyts admin</h1><span class="badge${state === 'LIVE' ? '' : ' busy'}">${state}</span>`
    + `<span class="fact">up ${uptimeText(uptime)}</span><span class="fact">${escapeHtml(instance.version)}</span></header>\n<main>\n`;
  const left = new Map(handlers.map((handler) => [handler.path, handler]));
  left.delete('/');
  for (const [title, paths] of GROUPS) {
    const group: AdminHandler[] = [];
    for (const path of paths) {
      const handler = left.get(path);
      if (handler === undefined) continue;
      group.push(handler);
      left.delete(path);
    }
    yield groupHtml(title, group);
  }
  yield groupHtml('More', [...left.values()]);
  yield `</main>\n${PAGE_END}`;
}

function groupHtml(title: string, handlers: readonly AdminHandler[]): string {
  if (handlers.length === 0) return '';
  return `<h2>${title}</h2>\n<section>\n${handlers.map(endpointHtml).join('')}</section>\n`;
}

function endpointHtml(handler: AdminHandler): string {
  const name = handler.path.slice(1);
  const help = `<div class="help">${escapeHtml(handler.help)}</div>`;
  if (!handler.mutates && handler.params.length === 0) {
    return `<div class="endpoint"><div><a href="${name}">${name}</a></div>${help}</div>\n`;
  }
  const params = handler.params.map(paramHtml).join('');
  return `<form class="endpoint" action="${name}" method="${handler.mutates ? 'post' : 'get'}">`
    + `<div><button${handler.mutates ? ' class="post"' : ''}>${name}</button></div>${help}`
    + `${params === '' ? '' : `<div class="params">${params}</div>`}</form>\n`;
}

function paramHtml(param: AdminParam): string {
  const title = `title="${escapeHtml(param.help)}"`;
  switch (param.kind) {
    case 'flag':
      return `<label ${title}><input type="checkbox" name="${param.id}" value="y"> ${param.id}</label>`;
    case 'text':
      return `<label ${title}>${param.id} <input type="text" name="${param.id}"></label>`;
    case 'choice': {
      const options = param.choices.includes('') || param.choices.includes('All') ? param.choices : ['', ...param.choices];
      return `<label ${title}>${param.id} <select name="${param.id}">${options.map((option) => `<option>${option}</option>`).join('')}`
        + '</select></label>';
    }
  }
}

function uptimeText(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`;
  return `${Math.floor(seconds / 86400)}d ${Math.floor((seconds % 86400) / 3600)}h`;
}
