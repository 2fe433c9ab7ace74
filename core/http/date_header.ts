/** The `date` header's value (RFC 9110 §5.6.7), made once a second. One per worker. */
export class DateProvider {
  readonly bytes: Uint8Array;
  private second: number;

  constructor() {
    this.bytes = new Uint8Array(29);
    this.second = -1;
  }

  /** Brings `bytes` up to date for a wall clock in milliseconds. */
  update(wallMs: number): void {
    const second = Math.floor(wallMs / 1000);
    if (second === this.second) return;
    this.second = second;
    const text = new Date(second * 1000).toUTCString();
    for (let i = 0; i < 29; i++) this.bytes[i] = text.charCodeAt(i);
  }
}
