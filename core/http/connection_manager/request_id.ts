import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';

/** Category of request_id_extension. */
export const REQUEST_ID_CATEGORY = 'envoy.request_id';

const POOL_BYTES = 8192;
const UUID_LENGTH = 36;

const HEX = new Uint8Array(512);
for (let i = 0; i < 256; i++) {
  const text = i.toString(16).padStart(2, '0');
  HEX[2 * i] = text.charCodeAt(0);
  HEX[2 * i + 1] = text.charCodeAt(1);
}

/** Writes random UUIDs (version 4, RFC 9562 §5.4) into x-request-id. Random bytes come in blocks. One per worker. */
export class RequestIdGenerator {
  private readonly pool: Uint8Array;
  private position: number;
  private readonly fill: (bytes: Uint8Array) => void;

  /** `fill` puts cryptographically strong random bytes into an array. */
  constructor(fill: (bytes: Uint8Array) => void) {
    this.pool = new Uint8Array(POOL_BYTES);
    this.position = POOL_BYTES;
    this.fill = fill;
  }

  /** Sets x-request-id. */
  set(headers: HeaderMap): void {
    if (this.position + 16 > POOL_BYTES) {
      this.fill(this.pool);
      this.position = 0;
    }
    let p = headers.beginValue(HeaderId.requestId, UUID_LENGTH);
    const bytes = headers.bytes;
    const pool = this.pool;
    const from = this.position;
    for (let i = 0; i < 16; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) bytes[p++] = 45;
      let b = pool[from + i];
      if (i === 6) b = (b & 15) | 64;
      else if (i === 8) b = (b & 63) | 128;
      bytes[p++] = HEX[2 * b];
      bytes[p++] = HEX[2 * b + 1];
    }
    this.position = from + 16;
    headers.endValue(HeaderId.requestId, UUID_LENGTH);
  }
}
