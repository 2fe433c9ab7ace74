/** Certificates in DER for tests of reading them: right in form, signed by nobody. */

/** An element with its length. */
export function der(tag: number, ...parts: readonly (Uint8Array | string)[]): Uint8Array<ArrayBuffer> {
  const content = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
  const length = content.length < 0x80 ? [content.length] : content.length < 0x100 ? [0x81, content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return new Uint8Array(Buffer.concat([Buffer.from([tag, ...length]), content]));
}

/** An OBJECT IDENTIFIER whose arcs are below 2^28. */
export function oid(text: string): Uint8Array<ArrayBuffer> {
  const [first, second, ...rest] = text.split('.').map(Number);
  const bytes = [first * 40 + second, ...rest].flatMap((arc) => {
    const groups = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return der(0x06, Uint8Array.from(bytes));
}

export interface DerCertificateOptions {
  /** GeneralNames, encoded; absent: no extension. */
  readonly names?: readonly Uint8Array[];
  /** First byte of the bits. */
  readonly keyUsage?: number;
  readonly isRsa?: boolean;
  readonly hasVersion?: boolean;
  /** Further extensions, encoded. */
  readonly extensions?: readonly Uint8Array[];
}

/** A certificate with what a verification looks at. */
export function derCertificate({ names, keyUsage, isRsa = false, hasVersion = true, extensions = [] }: DerCertificateOptions): Uint8Array<ArrayBuffer> {
  const all = [
    ...(names === undefined ? [] : [der(0x30, oid('2.5.29.17'), der(0x04, der(0x30, ...names)))]),
    ...(keyUsage === undefined ? [] : [der(0x30, oid('2.5.29.15'), der(0x01, '\xff'), der(0x04, der(0x03, Uint8Array.of(0, keyUsage))))]),
    ...extensions,
  ];
  const algorithm = der(0x30, oid(isRsa ? '1.2.840.113549.1.1.1' : '1.2.840.10045.2.1'));
  const empty = der(0x30);
  const body = der(0x30, ...(hasVersion ? [der(0xa0, der(0x02, '\x02'))] : []), der(0x02, '\x01'), empty, empty, empty, empty, der(0x30, algorithm, der(0x03, '\0key')), ...(all.length === 0 ? [] : [der(0xa3, der(0x30, ...all))]));
  return der(0x30, body, empty, der(0x03, '\0'));
}
