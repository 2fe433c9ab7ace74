import type { ProtoRegistry } from '../../core/api/proto_registry.ts';
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';

/** What a command gets from the outside world. */
export interface CommandEnvironment {
  /** Every extension that is built in. */
  readonly registry: FactoryRegistry;
  readonly loadDescriptors: () => ProtoRegistry;
  /** Wall clock, milliseconds. */
  readonly nowMs: () => number;
  /** Throws when it cannot. */
  readonly writeFile: (path: string, content: Uint8Array | string) => void;
  readonly writeStdout: (text: string) => void;
  readonly writeStderr: (text: string) => void;
}
