/** A header value that is set often, prepared so that it is copied four bytes at a time. Latin-1. Made at config time. */
export class HeaderValue {
  /** Its bytes, and up to three zeros behind them. */
  readonly view: DataView;
  readonly length: number;

  constructor(text: string) {
    this.length = text.length;
    this.view = new DataView(new ArrayBuffer((text.length + 3) & ~3));
    this.write(text);
  }

  /** Replaces it by another of the same length. */
  write(text: string): void {
    for (let i = 0; i < this.length; i++) this.view.setUint8(i, text.charCodeAt(i));
  }
}
