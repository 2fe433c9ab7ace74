/** Payloads of health checks: what is sent, and how answers are looked through. */
import type { HealthCheck_Payload } from '../../core/api/gen/envoy/config/core/v3/health_check_pb.d.ts';
import type { ParseContext } from '../../core/registry/parse_context.ts';

const NOTHING = new Uint8Array();

/** Text is hexadecimal. Reports what is not. */
export function parsePayload(message: HealthCheck_Payload, context: ParseContext): Uint8Array {
  const { payload } = message;
  if (payload.case === 'binary') return new Uint8Array(payload.value);
  if (payload.case !== 'text') return NOTHING;
  const text = payload.value;
  if (text.length > 0 && text.length % 2 === 0 && /^[0-9a-f]+$/i.test(text)) return new Uint8Array(Buffer.from(text, 'hex'));
  context.error(message, 'text', `invalid hex string '${text}'`);
  return NOTHING;
}

/** Whether the segments are in the data in this order; anything may be before, between and after them. */
export function containsInOrder(data: Buffer, segments: readonly Uint8Array[]): boolean {
  let from = 0;
  for (const segment of segments) {
    const at = data.indexOf(segment, from);
    if (at < 0) return false;
    from = at + segment.length;
  }
  return true;
}
