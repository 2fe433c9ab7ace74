/** envoy.config.core.v3.Metadata to plain data. Thread: main. */
import type { Metadata } from '../api/gen/envoy/config/core/v3/base_pb.d.ts';

/** Untyped metadata by namespace as JSON values; typed metadata is left unread. */
export function parseMetadata(message: Metadata | undefined): Readonly<Record<string, unknown>> {
  if (message === undefined) return {};
  return JSON.parse(JSON.stringify(message.filterMetadata)) as Record<string, unknown>;
}

/** What hosts' metadata is to hold. */
export function parseMetadataMatch(message: Metadata | undefined): { metadataMatch?: Readonly<Record<string, unknown>> } {
  return message === undefined ? {} : { metadataMatch: parseMetadata(message) };
}
