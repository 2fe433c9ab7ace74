/** Asks one admin endpoint without a socket: the way through the registry and the handler, not through HTTP. */
import { inChunks } from '../../admin/chunks.ts';
import { parseQueryParams } from '../../admin/query_params.ts';
import { registerHandlers } from '../../admin/register_handlers.ts';
import type { Instance } from '../../server/instance.ts';

export interface AdminAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly chunks: readonly string[];
  afterSent(): void;
}

/** `target` is path and query. */
export async function askAdmin(instance: Instance, target: string): Promise<AdminAnswer> {
  const [path, query = ''] = target.split('?', 2);
  const handler = registerHandlers(instance).get(path);
  if (handler === undefined) throw new Error(`no admin endpoint ${path}`);
  const method = handler.mutates ? 'POST' : 'GET';
  const reply = await handler.handle({ method, path, params: parseQueryParams(query) });
  const chunks = [...inChunks(reply.body)];
  return {
    status: reply.status, contentType: reply.contentType, body: chunks.join(''), chunks,
    afterSent: () => reply.afterSent?.(),
  };
}
