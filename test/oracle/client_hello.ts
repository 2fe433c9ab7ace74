/** What a client offers in the first record of a TLS connection: node:tls does not tell all of it. */

/** Of a ClientHello; absent: the extension was not there. */
export interface ClientHello {
  readonly serverName?: string;
  readonly alpn?: readonly string[];
  /** TLS 1.2 and up, in the client's order. */
  readonly versions: readonly string[];
}

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const EXTENSION = { serverName: 0, alpn: 16, supportedVersions: 43 } as const;
const VERSIONS: Readonly<Record<number, string>> = { 769: 'TLSv1', 770: 'TLSv1.1', 771: 'TLSv1.2', 772: 'TLSv1.3' };

/** Reads along; past the end it gives zeros. */
class Cursor {
  at = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  number(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + (this.bytes[this.at++] ?? 0);
    return value;
  }

  /** A vector whose length comes first, in `size` bytes. */
  vector(size: number): Buffer {
    const length = this.number(size);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

function names(list: Buffer): string[] {
  const cursor = new Cursor(list);
  const found: string[] = [];
  while (!cursor.isAtEnd) found.push(cursor.vector(1).toString('latin1'));
  return found;
}

function serverNameOf(extension: Buffer): string {
  const entry = new Cursor(new Cursor(extension).vector(2));
  entry.number(1);
  return entry.vector(2).toString('latin1');
}

function versionsOf(extension: Buffer): string[] {
  const list = new Cursor(new Cursor(extension).vector(1));
  const found: string[] = [];
  while (!list.isAtEnd) {
    // Some clients put values between them that mean nothing.
    const name = VERSIONS[list.number(2)];
    if (name !== undefined) found.push(name);
  }
  return found;
}

/** undefined: `bytes` begin no TLS connection. */
export function readClientHello(bytes: Buffer): ClientHello | undefined {
  const record = new Cursor(bytes);
  if (record.number(1) !== HANDSHAKE_RECORD) return undefined;
  record.number(2);
  const message = new Cursor(record.vector(2));
  if (message.number(1) !== CLIENT_HELLO) return undefined;
  const hello = new Cursor(message.vector(3));
  const version = hello.number(2);
  hello.at += 32;
  hello.vector(1);
  hello.vector(2);
  hello.vector(1);
  const extensions = new Cursor(hello.vector(2));
  let found: ClientHello = { versions: [VERSIONS[version] ?? 'unknown'] };
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const content = extensions.vector(2);
    if (type === EXTENSION.serverName) found = { ...found, serverName: serverNameOf(content) };
    else if (type === EXTENSION.alpn) found = { ...found, alpn: names(new Cursor(content).vector(2)) };
    else if (type === EXTENSION.supportedVersions) found = { ...found, versions: versionsOf(content) };
  }
  return found;
}
