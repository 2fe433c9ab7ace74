import type { JsonObject, JsonValue } from '../../server/instance.ts';

/** Paths of a google.protobuf.FieldMask as tokens: `cluster.name,last_updated`. Messages in `Any` are walked through. */
export type FieldMask = readonly (readonly string[])[];

export function parseFieldMask(text: string): FieldMask {
  return text.split(',').filter((path) => path !== '').map((path) => path.split('.'));
}

/** What the mask keeps of a message; `@type` always stays. */
export function applyFieldMask(message: JsonObject, mask: FieldMask): JsonObject {
  const result: Record<string, JsonValue> = {};
  for (const [field, value] of Object.entries(message)) {
    if (field === '@type') {
      result[field] = value;
      continue;
    }
    const paths = mask.filter((path) => path[0] === field);
    if (paths.length === 0) continue;
    const whole = paths.some((path) => path.length === 1);
    if (whole || !isObject(value)) result[field] = value;
    else result[field] = applyFieldMask(value, paths.map((path) => path.slice(1)));
  }
  return result;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
