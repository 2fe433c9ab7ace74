/** The messages of grpc.health.v1.Health.Check on the wire: a byte of flags, four of length, the message. Thread: main. */
import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';

const FRAME_HEAD_BYTES = 5;
const SERVICE_FIELD = 1;
const STATUS_FIELD = 1;
/** HealthCheckResponse.ServingStatus. */
const SERVING = 1;
/** A health check's answer is a few bytes; what claims to be longer is none. */
const MAX_MESSAGE_BYTES = 65_536;

/** A HealthCheckRequest, framed. `service`: '' = the server as a whole. */
export function healthRequestFrame(service: string): Uint8Array {
  const writer = new BinaryWriter();
  if (service !== '') writer.tag(SERVICE_FIELD, 2).string(service);
  const message = writer.finish();
  const frame = new Uint8Array(FRAME_HEAD_BYTES + message.length);
  new DataView(frame.buffer).setUint32(1, message.length);
  frame.set(message, FRAME_HEAD_BYTES);
  return frame;
}

/** What the frames that came so far say: nothing yet, that the service is serving or not, or what is no HealthCheckResponse. */
export type HealthAnswer = 'none' | 'serving' | 'not_serving' | 'invalid';

/** Collects the frames of one response. */
export class HealthResponseReader {
  answer: HealthAnswer = 'none';
  private pending: Buffer = Buffer.alloc(0);

  /** Takes bytes as they come. Nothing after what is invalid matters. */
  add(chunk: Buffer): void {
    if (this.answer === 'invalid') return;
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    while (this.pending.length >= FRAME_HEAD_BYTES) {
      const flags = this.pending[0];
      const length = this.pending.readUInt32BE(1);
      if (flags > 1 || length > MAX_MESSAGE_BYTES) {
        this.answer = 'invalid';
        return;
      }
      if (this.pending.length < FRAME_HEAD_BYTES + length) return;
      const message = this.pending.subarray(FRAME_HEAD_BYTES, FRAME_HEAD_BYTES + length);
      this.pending = this.pending.subarray(FRAME_HEAD_BYTES + length);
      // A frame without a message says nothing.
      if (length === 0) continue;
      // One message only, and not compressed.
      this.answer = this.answer !== 'none' || flags !== 0 ? 'invalid' : parseAnswer(message);
      if (this.answer === 'invalid') return;
    }
  }
}

function parseAnswer(message: Uint8Array): HealthAnswer {
  try {
    const reader = new BinaryReader(message);
    let status = 0;
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field === STATUS_FIELD && wireType === 0) status = reader.int32();
      else reader.skip(wireType, field);
    }
    return status === SERVING ? 'serving' : 'not_serving';
  } catch {
    return 'invalid';
  }
}
