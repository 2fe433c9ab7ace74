import type { HeaderMap } from '../headers/header_map.ts';
import type { HeaderNames } from '../headers/header_names.ts';

/** Category of original_ip_detection_extensions. */
export const ORIGINAL_IP_DETECTION_CATEGORY = 'envoy.http.original_ip_detection';

/** What an extension found out about the client. Reused: `reset` before each question. */
export class IpDetectionResult {
  /** The client's address without port, in its usual form; '' = not found. */
  address = '';
  /** The address may make a request internal. */
  isTrusted = false;
  /** The peer is not appended to x-forwarded-for. */
  skipsAppend = true;
  /** The request is refused with this status; 0 = go on. */
  rejectStatus = 0;

  reset(): void {
    this.address = '';
    this.isTrusted = false;
    this.skipsAppend = true;
    this.rejectStatus = 0;
  }
}

/** Tells a request's client from its headers. One per filter chain and worker; runs on every request: keep it cheap. */
export interface OriginalIpDetection {
  /** `peerIp` is the address of the connection's other end, without port. */
  detect(headers: HeaderMap, peerIp: string, result: IpDetectionResult): void;
}

/** What `createFactory` of such an extension gets. */
export interface IpDetectionContext {
  readonly names: HeaderNames;
}
