/** What stands before the type name in every type URL that we write. */
export const TYPE_URL_PREFIX = 'type.googleapis.com/';

const TYPED_STRUCTS = new Set(['xds.type.v3.TypedStruct', 'udpa.type.v1.TypedStruct']);

/** The full message name of a type URL (any prefix, or none). */
export function typeNameOf(typeUrl: string): string {
  return typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
}

/** True for the messages that carry another message as a Struct. */
export function isTypedStruct(typeName: string): boolean {
  return TYPED_STRUCTS.has(typeName);
}
