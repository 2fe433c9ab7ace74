import type { HeaderMap } from '../../headers/header_map.ts';
import { HeaderId } from '../../headers/header_names.ts';

/** Category of request_id_extension. */
export const REQUEST_ID_CATEGORY = 'envoy.request_id';

const POOL_BYTES = 8192;
const UUID_LENGTH = 36;

/** Two hexadecimal digits of each byte, the first in the low half. */
const HEX = new Uint16Array(256);
for (let i = 0; i < 256; i++) {
  const text = i.toString(16).padStart(2, '0');
  HEX[i] = text.charCodeAt(0) | (text.charCodeAt(1) << 8);
}
/** Where the digits of each byte stand. */
const PLACES = Uint8Array.from([0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]);

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
    const p = headers.beginValue(HeaderId.requestId, UUID_LENGTH);
    const view = headers.view;
    const pool = this.pool;
    const from = this.position;
    pool[from + 6] = (pool[from + 6] & 15) | 64;
    pool[from + 8] = (pool[from + 8] & 63) | 128;
    for (let i = 0; i < 16; i++) view.setUint16(p + PLACES[i], HEX[pool[from + i]], true);
    for (let i = 8; i <= 23; i += 5) view.setUint8(p + i, 45);
    this.position = from + 16;
    headers.endValue(HeaderId.requestId, UUID_LENGTH);
  }
}
