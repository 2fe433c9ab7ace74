/** Load reports as serialized protos (protobuf.dev/programming-guides/encoding), in base64. Bytes of peers: everything is checked. */
import type { LoadReport } from './load_report.ts';

const WIRE_VARINT = 0;
const WIRE_64 = 1;
const WIRE_LENGTH = 2;
const WIRE_GROUP = 3;
const WIRE_GROUP_END = 4;
const WIRE_32 = 5;
/** Groups within one another, as protobuf limits them. */
const MAX_DEPTH = 100;
/** Fields of OrcaLoadReport that are doubles, and those that are map<string, double>. */
const DOUBLES: readonly (string | undefined)[] = [undefined, 'cpu_utilization', 'mem_utilization', undefined, undefined, undefined, 'rps_fractional', 'eps', undefined, 'application_utilization'];
const MAPS: readonly (string | undefined)[] = [undefined, undefined, undefined, undefined, 'request_cost', 'utilization', undefined, undefined, 'named_metrics'];

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Reads base64 with its padding; false: it is none, or no report. What was read until then stays in `report`. */
export function readBase64Report(text: string, report: LoadReport): boolean {
  if (text === '' || !BASE64.test(text)) return false;
  const bytes = Buffer.from(text, 'base64');
  // Bits beyond the last byte must be 0.
  return bytes.toString('base64') === text && readBinaryReport(bytes, report);
}

/** False: it is no report. */
export function readBinaryReport(bytes: Uint8Array, report: LoadReport): boolean {
  const reader = new WireReader(bytes);
  while (!reader.isAtEnd) {
    if (!reader.readTag()) return false;
    const { field, wire } = reader;
    const double = wire === WIRE_64 ? DOUBLES[field] : undefined;
    const map = wire === WIRE_LENGTH ? MAPS[field] : undefined;
    if (double !== undefined) {
      const value = reader.double();
      if (reader.isBroken) return false;
      report.setNumber(double, value);
    } else if (map !== undefined) {
      const entry = reader.part();
      if (entry === null || !readEntry(entry, report.mapOf(map))) return false;
    } else if (!reader.skip(0)) return false;
  }
  return true;
}

function readEntry(bytes: Uint8Array, map: Map<string, number> | null): boolean {
  const reader = new WireReader(bytes);
  let key = '';
  let value = 0;
  while (!reader.isAtEnd) {
    if (!reader.readTag()) return false;
    if (reader.field === 1 && reader.wire === WIRE_LENGTH) {
      const name = reader.part();
      if (name === null) return false;
      try {
        key = UTF8.decode(name);
      } catch {
        return false;
      }
    } else if (reader.field === 2 && reader.wire === WIRE_64) value = reader.double();
    else if (!reader.skip(0)) return false;
    if (reader.isBroken) return false;
  }
  map?.set(key, value);
  return true;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A cursor over a message. */
class WireReader {
  field: number;
  wire: number;
  /** Something was cut off, or out of range. */
  isBroken: boolean;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private position: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = 0;
    this.field = 0;
    this.wire = 0;
    this.isBroken = false;
  }

  get isAtEnd(): boolean {
    return this.position >= this.bytes.length;
  }

  /** The next field; false: there is none that could be. */
  readTag(): boolean {
    const tag = this.varint();
    if (this.isBroken || tag > 0xffffffff) return false;
    this.field = Math.floor(tag / 8);
    this.wire = tag % 8;
    return this.field !== 0;
  }

  double(): number {
    const at = this.position;
    return this.advance(8) ? this.view.getFloat64(at, true) : 0;
  }

  /** Bytes with their length before them; null: they are cut off. */
  part(): Uint8Array | null {
    const length = this.varint();
    const at = this.position;
    return !this.isBroken && this.advance(length) ? this.bytes.subarray(at, at + length) : null;
  }

  /** Goes past the value of the field. `depth`: of groups around it. */
  skip(depth: number): boolean {
    switch (this.wire) {
      case WIRE_VARINT:
        this.varint();
        break;
      case WIRE_64:
        this.advance(8);
        break;
      case WIRE_32:
        this.advance(4);
        break;
      case WIRE_LENGTH:
        this.part();
        break;
      case WIRE_GROUP:
        return this.skipGroup(this.field, depth + 1);
      default:
        return false;
    }
    return !this.isBroken;
  }

  private skipGroup(group: number, depth: number): boolean {
    if (depth > MAX_DEPTH) return false;
    while (!this.isAtEnd) {
      if (!this.readTag()) return false;
      if (this.wire === WIRE_GROUP_END) return this.field === group;
      if (!this.skip(depth)) return false;
    }
    return false;
  }

  /** Up to ten bytes; exact up to 2^53. */
  private varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const at = this.position;
      if (!this.advance(1)) return 0;
      const byte = this.bytes[at];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    this.isBroken = true;
    return 0;
  }

  private advance(length: number): boolean {
    if (length > this.bytes.length - this.position) {
      this.isBroken = true;
      this.position = this.bytes.length;
      return false;
    }
    this.position += length;
    return true;
  }
}
