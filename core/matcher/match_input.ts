import type { HeaderMap } from '../headers/header_map.ts';
import { HeaderId } from '../headers/header_names.ts';
import type { StreamInfo } from '../stream_info/stream_info.ts';

/**
 * What matchers look at: one request and what is known of its stream and connection. Made once per pooled stream and filled
 * in again for each request, so that matching allocates nothing.
 */
export class MatchInput {
  readonly headers: HeaderMap;
  readonly info: StreamInfo;
  /** The stream's random number, [0, 2^32). */
  random: number;
  /** What x-forwarded-proto says. */
  isHttps: boolean;
  /** Whether x-envoy-internal is set. */
  isInternal: boolean;
  /** Length of the path that path matchers see; set by `VirtualHost` before it asks its routes. */
  pathLength: number;
  /** Whether the method is CONNECT; set with `pathLength`. */
  isConnect: boolean;

  constructor(headers: HeaderMap, info: StreamInfo) {
    this.headers = headers;
    this.info = info;
    this.random = 0;
    this.isHttps = false;
    this.isInternal = false;
    this.pathLength = 0;
    this.isConnect = false;
  }

  /** Takes over what headers and stream info say now. */
  readStream(): void {
    this.random = this.info.random;
    this.isHttps = this.headers.valueEquals(HeaderId.forwardedProto, 'https');
    this.isInternal = this.info.isInternalRequest;
  }
}
