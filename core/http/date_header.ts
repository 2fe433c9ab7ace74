import { HeaderValue } from '../headers/header_value.ts';

/** The `date` header's value (RFC 9110 §5.6.7), made once a second. One per worker. */
export class DateProvider {
  readonly value: HeaderValue;
  private second: number;

  constructor() {
    this.value = new HeaderValue(' '.repeat(29));
    this.second = -1;
  }

  /** Brings `value` up to date for a wall clock in milliseconds. */
  update(wallMs: number): void {
    const second = Math.floor(wallMs / 1000);
    if (second === this.second) return;
    this.second = second;
    this.value.write(new Date(second * 1000).toUTCString());
  }
}
