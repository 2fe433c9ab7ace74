import type { ExplainAnswer, ExplainRequest } from '../instance.ts';
import { explain } from './explain.ts';
import { DEFAULT_SOURCE_IP, parseHeaderArgument, QueryError } from './explain_query.ts';
import type { ExplainSubject } from './explain_subject.ts';
import { renderExplanation } from './explain_text.ts';

/** Answers the admin interface's question. */
export function answerExplain(request: ExplainRequest, subject: ExplainSubject): ExplainAnswer {
  try {
    const explanation = explain({
      ...request,
      headers: request.headers.map(parseHeaderArgument),
      sourceIp: request.sourceIp === '' ? DEFAULT_SOURCE_IP : request.sourceIp,
    }, subject);
    return { text: request.isJson ? `${JSON.stringify(explanation, null, 1)}\n` : renderExplanation(explanation, request.showsAll) };
  } catch (error) {
    if (error instanceof QueryError) return { error: error.message };
    throw error;
  }
}
