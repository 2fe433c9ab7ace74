import { createRequire } from 'node:module';

/** The evaluator of CEL expressions, and the protobuf messages that it takes durations and times as. */
export interface CelLibrary {
  readonly cel: typeof import('@bufbuild/cel');
  /** lowerAscii, split, replace … */
  readonly strings: typeof import('@bufbuild/cel/ext')['strings'];
  readonly wkt: typeof import('@bufbuild/protobuf/wkt');
  readonly protobuf: typeof import('@bufbuild/protobuf');
}

let loaded: CelLibrary | undefined;

/** Loads it when the first expression of the thread is compiled: configurations without CEL do without its memory and start-up time. */
export function celLibrary(): CelLibrary {
  if (loaded === undefined) {
    const require = createRequire(import.meta.url);
    loaded = {
      cel: require('@bufbuild/cel') as CelLibrary['cel'], strings: (require('@bufbuild/cel/ext') as typeof import('@bufbuild/cel/ext')).strings, wkt: require('@bufbuild/protobuf/wkt') as CelLibrary['wkt'],
      protobuf: require('@bufbuild/protobuf') as CelLibrary['protobuf'],
    };
  }
  return loaded;
}
