import { type Field, JsonKind } from './field.ts';

const HEX = Uint8Array.from('0123456789abcdef', (c) => c.charCodeAt(0));

/** %UNIQUE_ID%: a fresh random UUID (version 4, RFC 9562 §5.4) each time it is written. */
export class UniqueIdField implements Field {
  readonly jsonKind = JsonKind.cleanString;
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly random: () => number;

  constructor(random: () => number) {
    this.random = random;
  }

  write(bytes: Uint8Array, at: number): number {
    let p = at;
    for (let word = 0; word < 4; word++) {
      let bits = this.random() | 0;
      if (word === 1) bits = (bits & 0xffff0fff) | 0x4000;
      else if (word === 2) bits = (bits & 0x3fffffff) | 0x80000000;
      for (let digit = 0; digit < 8; digit++) {
        const index = word * 8 + digit;
        if (index === 8 || index === 12 || index === 16 || index === 20) bytes[p++] = 45;
        bytes[p++] = HEX[(bits >>> (28 - digit * 4)) & 15];
      }
    }
    return p;
  }

  writeJson(bytes: Uint8Array, at: number): number {
    return this.write(bytes, at);
  }
}
