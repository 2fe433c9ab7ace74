/**
 * What an extension's `parse` may ask for while it turns its proto message into plain frozen data.
 *
 * Messages handed to `parse` are *tracked*: every field read through them is recorded, so that a field that is set but that
 * nobody read is reported once at warn level as having no effect. Reading a field therefore means consuming it.
 * Thread: main (or a parsing thread of the main side). Cost does not matter here.
 */
import type { CertificateValidationContext, TlsCertificate } from '../api/gen/envoy/extensions/transport_sockets/tls/v3/common_pb.d.ts';

/** Where a value stands in the user's file. Lines and columns count from 1. */
export interface ConfigPosition {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Field path in proto names, e.g. `static_resources.listeners[0].address`. */
  readonly path: string;
}

/** A packed `google.protobuf.Any` as a tracked message: opaque here, opened with `unpackAny`. */
export interface AnyMessage {
  readonly typeUrl: string;
}

/** An opened Any. */
export interface UnpackedAny {
  /** Without the `type.googleapis.com/` prefix. */
  readonly typeName: string;
  /** The tracked message; its static type is the caller's business (the type name says which it is). */
  readonly message: object;
}

/** An extension reference as it stands in a snapshot: plain data. */
export interface ExtensionConfig {
  /** The label in the user's file (`name`), '' if none. */
  readonly name: string;
  /** Full type name without prefix; key of the factory registry. */
  readonly typeName: string;
  /** What the factory's `parse` returned: plain, frozen, structured-cloneable. */
  readonly config: unknown;
}

/** Secrets that the bootstrap holds, by name: tracked messages. */
export interface StaticSecrets {
  readonly certificates: ReadonlyMap<string, TlsCertificate>;
  readonly validationContexts: ReadonlyMap<string, CertificateValidationContext>;
}

/**
 * Collects errors and opens extensions. No method throws on bad user input: errors are collected, so that one run reports all
 * of them; a `parse` returns a best effort (it is discarded when any error was reported).
 */
export interface ParseContext {
  /** Reports an error at `message.field` (proto snake_case name; undefined: the message itself). */
  error(message: object, field: string | undefined, text: string): void;
  /** A valid Envoy field whose feature is not here and which cannot be left out without changing what traffic does: an error
   *  that names the feature. */
  refuse(message: object, field: string | undefined, feature: string): void;
  /** A valid field that is understood but without effect in this configuration: a warning with the reason. */
  warn(message: object, field: string | undefined, text: string): void;
  /** Marks a field (or the whole message) with everything below it as consumed without looking at it. */
  consume(message: object, field?: string): void;
  /** Opens an Any (TypedStruct unwrapped). Unknown type: reports an error that lists what exists, returns undefined. */
  unpackAny(any: AnyMessage): UnpackedAny | undefined;
  /** Opens an Any and runs the `parse` of the factory registered for it in `category`; on failure reports (naming the type URLs
   *  that exist in the category and the nearest one) and returns undefined. */
  parseExtension(category: string, name: string, any: AnyMessage | undefined, holder: object, field: string): ExtensionConfig | undefined;
  /** Whether an extension is registered in `category` for an Any's type, or for a type name. */
  isRegistered(category: string, type: AnyMessage | string): boolean;
  /** Canonical name of the extension that is registered there; undefined = none is. */
  registeredName(category: string, any: AnyMessage): string | undefined;
  /** Where a value came from; undefined for synthetic messages. */
  position(message: object, field?: string): ConfigPosition | undefined;
  /** Names of all clusters of the configuration, set by whoever parsed them before the listeners; undefined: not known, do not
   *  check references to clusters. */
  clusterNames?: ReadonlySet<string> | undefined;
  /** static_resources.secrets; undefined where there are none. */
  staticSecrets?: StaticSecrets | undefined;
  /** An integer of the runtime that the configuration begins with; undefined where there is none. */
  runtimeInteger?: ((key: string, fallback: number) => number) | undefined;
  /** Reads a file that the configuration names; throws the system's error. Undefined where files must not be read. */
  readFile?: ((path: string) => Uint8Array) | undefined;
  /** Why lines could not be appended to a file that the configuration names (the system's words); undefined: they could.
   *  Undefined itself where nobody can say. */
  whyNotAppendable?: ((path: string) => string | undefined) | undefined;
}
