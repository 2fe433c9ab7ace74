import { NO_HEADER_MUTATIONS } from '../headers/header_mutation.ts';
import type { RouteEntryConfig } from './route_config.ts';

/** The route that stands for require_tls. */
export const TLS_REDIRECT: RouteEntryConfig = Object.freeze({
  name: '',
  match: Object.freeze({
    path: Object.freeze({ kind: 'prefix', value: '', caseSensitive: true }), headers: [], queryParameters: [], runtimeFraction: null, grpc: false, cookies: [], tlsContext: null, dynamicMetadata: [], filterState: [],
  }),
  action: Object.freeze({
    kind: 'redirect', httpsRedirect: true, scheme: '', host: '', port: 0, path: '', prefixRewrite: '', regexRewrite: null, responseCode: 301, stripQuery: false,
  }),
  requestHeaders: NO_HEADER_MUTATIONS,
  responseHeaders: NO_HEADER_MUTATIONS,
  perFilterConfig: Object.freeze({}),
  metadata: Object.freeze({}),
  statPrefix: '',
  bodyBufferLimit: Object.freeze({ bytes: -1, perRequestBytes: -1 }),
  position: null,
});
