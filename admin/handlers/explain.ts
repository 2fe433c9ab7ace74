import type { Instance } from '../../server/instance.ts';
import { type AdminHandler, choice, flag, JSON_TYPE, text, textReply } from '../handler.ts';
import type { QueryParams } from '../query_params.ts';

/** `/explain`: where this process would send a request, and why. */
export function explainHandler(instance: Instance): AdminHandler {
  return {
    path: '/explain',
    help: 'where a request goes, and why',
    mutates: false,
    params: [
      text('url', 'URL of the request, such as http://localhost:10000/path'), text('method', 'Method; default GET'),
      text('header', 'A header as "name: value"; may be given several times'), text('data_size', 'Bytes of a body'),
      text('source_ip', 'Where the request comes from; default 127.0.0.1'), text('listener', 'Name of the listener; default the one with the port of the URL'),
      flag('internal', 'The request counts as an internal one'), text('random', 'Random number of the stream; default 0'),
      flag('all', 'Every route that was asked, not the near misses only'), choice('format', 'Output format', ['text', 'json']),
    ],
    async handle({ params }) {
      const bodyBytes = numberOf(params, 'data_size', -1);
      const random = numberOf(params, 'random', 0);
      if (Number.isNaN(bodyBytes) || Number.isNaN(random)) return textReply('data_size and random are numbers\n', 400);
      const isJson = params.first('format') === 'json';
      const answer = await instance.explain({
        method: params.first('method') ?? '', url: params.first('url') ?? '',
        headers: params.entries.filter(([name]) => name === 'header').map(([, value]) => value),
        bodyBytes, random, sourceIp: params.first('source_ip') ?? '', listener: params.first('listener') ?? '',
        isInternal: params.has('internal'), showsAll: params.has('all'), isJson,
      });
      if ('error' in answer) return textReply(`${answer.error}\n`, 400);
      return isJson ? { ...textReply(answer.text), contentType: JSON_TYPE } : textReply(answer.text);
    },
  };
}

/** NaN when it is no number. */
function numberOf(params: QueryParams, name: string, fallback: number): number {
  const value = params.first(name);
  if (value === undefined || value === '') return fallback;
  return /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
}
