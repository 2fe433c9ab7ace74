import { DerReader } from './der_reader.ts';

const SEQUENCE = 0x30;
const BOOLEAN = 0x01;
const OBJECT_ID = 0x06;
const OCTETS = 0x04;
const EXTENSIONS = 0xa3;

/**
 * The content of a certificate's extension (DER), by the bytes of its object identifier; undefined = it has none, or has it twice, which
 * counts as none. Throws DerError on what is no certificate.
 */
export function certificateExtension(certificate: Uint8Array, id: Buffer): Uint8Array | undefined {
  const body = new DerReader(certificate).enter(SEQUENCE).enter(SEQUENCE);
  while (!body.isAtEnd && body.peekTag() !== EXTENSIONS) body.skip();
  if (body.isAtEnd) return undefined;
  const extensions = body.enter(EXTENSIONS).enter(SEQUENCE);
  let found: Uint8Array | undefined;
  while (!extensions.isAtEnd) {
    const extension = extensions.enter(SEQUENCE);
    const isWanted = id.equals(extension.content(OBJECT_ID));
    if (extension.peekTag() === BOOLEAN) extension.skip();
    if (!isWanted) continue;
    if (found !== undefined) return undefined;
    found = extension.content(OCTETS);
  }
  return found;
}
