import { readFileSync } from 'node:fs';
import { type DescriptorIndex, ProtoRegistry } from '../../core/api/proto_registry.ts';

/**
 * The Envoy API's descriptors from core/api/gen. Reads two files (0.8 MB, 2 ms); descriptors are decoded when asked for. One per
 * process is enough: pass it on.
 * @throws Error when the generated files are not there.
 */
export function loadDescriptors(): ProtoRegistry {
  const gen = new URL('../../core/api/gen/', import.meta.url);
  try {
    const bytes = readFileSync(new URL('descriptors.binpb', gen));
    const index = JSON.parse(readFileSync(new URL('descriptors.json', gen), 'utf8')) as DescriptorIndex;
    return new ProtoRegistry(bytes, index);
  } catch (error) {
    throw new Error('the generated API descriptors are missing or damaged: run `npm run build:protos`', { cause: error });
  }
}
