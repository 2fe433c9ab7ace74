/** RouteAction.internal_redirect_policy, and the fields it replaced, to plain data. Thread: main, config time. */
import type { InternalRedirectPolicy, RouteAction } from '../api/gen/envoy/config/route/v3/route_components_pb.d.ts';
import { isModifiableHeader } from '../headers/header_mutation.ts';
import type { ParseContext } from '../registry/parse_context.ts';
import { INTERNAL_REDIRECT_PREDICATE_CATEGORY, type InternalRedirectConfig } from './internal_redirect_policy.ts';

const REDIRECT_CODES: readonly number[] = [301, 302, 303, 307, 308];
const HANDLE_INTERNAL_REDIRECT = 1;

/** The policy, or null when redirects are passed on. */
export function parseInternalRedirect(message: RouteAction, context: ParseContext): InternalRedirectConfig | null {
  if (message.internalRedirectPolicy !== undefined) return parsePolicy(message.internalRedirectPolicy, context);
  if (message.internalRedirectAction !== HANDLE_INTERNAL_REDIRECT) return null;
  return { maxRedirects: message.maxInternalRedirects ?? 1, responseCodes: [302], predicates: [], allowsCrossScheme: false, responseHeadersToCopy: [] };
}

function parsePolicy(message: InternalRedirectPolicy, context: ParseContext): InternalRedirectConfig {
  const codes = message.redirectResponseCodes.length === 0 ? [302] : message.redirectResponseCodes.filter((code) => REDIRECT_CODES.includes(code));
  if (message.redirectResponseCodes.length !== codes.length && message.redirectResponseCodes.length > 0) {
    context.warn(message, 'redirect_response_codes', `only ${REDIRECT_CODES.join(', ')} are followed`);
  }
  for (const [index, name] of message.responseHeadersToCopy.entries()) {
    if (!isModifiableHeader(name)) context.error(message, `response_headers_to_copy[${index}]`, ':-prefixed headers or Hosts may not be specified here.');
  }
  return {
    maxRedirects: message.maxInternalRedirects ?? 1,
    responseCodes: codes,
    predicates: message.predicates
      .map((predicate) => context.parseExtension(INTERNAL_REDIRECT_PREDICATE_CATEGORY, predicate.name, predicate.typedConfig, predicate, 'typed_config'))
      .filter((predicate) => predicate !== undefined),
    allowsCrossScheme: message.allowCrossSchemeRedirect,
    responseHeadersToCopy: message.responseHeadersToCopy.map((name) => name.toLowerCase()),
  };
}
