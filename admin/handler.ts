/**
 * The one contract of admin endpoints. Thread: main.
 *
 * A handler answers with small pieces of text that are made while they are sent: the server gathers pieces into chunks and lets
 * the main loop turn between chunks, so that no answer, however long, blocks it or stands in memory whole.
 */
import type { QueryParams } from './query_params.ts';

export interface AdminRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** From the query string, or from a form body where there is no query. */
  readonly params: QueryParams;
}

/** Pieces of a body. An empty piece costs nothing and counts as work done: yield one for what was looked at and left out. */
export type BodyPieces = Iterable<string>;

export interface AdminReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: BodyPieces;
  /** Runs when the answer has been handed to the system: for what ends the process. */
  readonly afterSent: (() => void) | undefined;
}

/** A parameter as `/help` and the home page show it. */
export interface AdminParam {
  readonly id: string;
  readonly help: string;
  /** flag: present or not; text: anything; choice: one of `choices` ('' = not given). */
  readonly kind: 'flag' | 'text' | 'choice';
  readonly choices: readonly string[];
}

export interface AdminHandler {
  readonly path: string;
  readonly help: string;
  /** Changes something: only POST will do. */
  readonly mutates: boolean;
  readonly params: readonly AdminParam[];
  handle(request: AdminRequest): AdminReply | Promise<AdminReply>;
}

export const TEXT = 'text/plain; charset=UTF-8';
export const JSON_TYPE = 'application/json';
export const HTML = 'text/html; charset=UTF-8';

/** A text answer. */
export function textReply(body: string, status = 200): AdminReply {
  return { status, contentType: TEXT, body: [body], afterSent: undefined };
}

/** An answer made piece by piece. */
export function streamReply(contentType: string, body: BodyPieces): AdminReply {
  return { status: 200, contentType, body, afterSent: undefined };
}

export function flag(id: string, help: string): AdminParam {
  return { id, help, kind: 'flag', choices: [] };
}

export function text(id: string, help: string): AdminParam {
  return { id, help, kind: 'text', choices: [] };
}

export function choice(id: string, help: string, choices: readonly string[]): AdminParam {
  return { id, help, kind: 'choice', choices };
}
