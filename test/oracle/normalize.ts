/** Makes observations of two runs comparable: what cannot be the same twice is replaced by its shape. */
import { networkInterfaces } from 'node:os';
import type { GroupPlaces } from './bootstrap.ts';
import { tlsPath } from '../support/tls/certificates.ts';
import { LOG_OPERATORS } from './log_format.ts';
import { shortened, type LogValue, type RecordedLogLine } from './recording.ts';

const HTTP_DATE = /\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT/g;
const ISO_TIME = /\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g;
const UUID4 = /\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
const SERVICE_TIME = /^(x-envoy-upstream-service-time: )\d+$/;

/** This machine's own IPv4 addresses: what a loopback peer is recorded as by an edge listener. */
function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) =>
    (list ?? []).filter((one) => one.family === 'IPv4' && !one.internal).map((one) => one.address),
  );
}

export class Normalizer {
  private readonly own = ownAddresses();
  private readonly listenerPorts: readonly (readonly [string, string])[];
  private readonly upstreamPorts: readonly (readonly [string, string])[];

  constructor(places: GroupPlaces) {
    this.listenerPorts = [...places.listenerPorts].map(([name, port]) => [name, String(port)] as const);
    this.upstreamPorts = [...places.upstreamPorts].map(([name, port]) => [name, String(port)] as const);
  }

  /** Text of a message or a log value. */
  text(text: string): string {
    let clean = text
      .replaceAll(tlsPath('.'), '<tls>/')
      .replace(HTTP_DATE, '<date>')
      .replace(ISO_TIME, '<time>')
      .replace(UUID4, '<uuid4>')
      .replace(SERVICE_TIME, '$1<ms>');
    for (const [name, port] of this.upstreamPorts) {
      clean = clean.replaceAll(`127.0.0.1:${port}`, `<upstream ${name}>`).replaceAll(`[::1]:${port}`, `<upstream ${name} v6>`);
      clean = clean.replaceAll(`"port_value":${port}`, `"port_value":<port of ${name}>`);
    }
    for (const [name, port] of this.listenerPorts) {
      clean = clean.replaceAll(`127.0.0.1:${port}`, `<listener ${name}>`).replace(new RegExp(`^(x-forwarded-port: )${port}$`), `$1<port of ${name}>`);
    }
    for (const address of this.own) {
      clean = clean.replaceAll(address, '<own address>');
    }
    return clean.replace(/127\.0\.0\.1:\d{4,5}\b/g, '127.0.0.1:<port>');
  }

  /** Name of a stat: a listener's address becomes its name. */
  statName(name: string): string {
    for (const [listener, port] of this.listenerPorts) {
      if (name.startsWith(`listener.127.0.0.1_${port}.`)) {
        return name.replace(`127.0.0.1_${port}`, `<${listener}>`);
      }
    }
    return name;
  }

  logLine(line: string): RecordedLogLine {
    let parsed: unknown;
    try {
      parsed = JSON.parse(line);
    } catch {
      return this.text(line);
    }
    if (typeof parsed !== 'object' || parsed === null || !('access_log_type' in parsed)) {
      return this.text(line);
    }
    const values = parsed as Record<string, LogValue>;
    const extraDigits = Math.max(0, String(values.service_time ?? '0').length - 1);
    const clean: Record<string, LogValue> = {};
    for (const [key, value] of Object.entries(values)) {
      if (value !== null) {
        clean[key] = this.logValue(key, value, extraDigits);
      }
    }
    return clean;
  }

  private logValue(key: string, value: LogValue, extraDigits: number): LogValue {
    switch (LOG_OPERATORS[key]?.kind) {
      case 'time':
        return `<${typeof value} time>`;
      case 'duration':
        return `<${typeof value} duration>`;
      case 'id':
        return `<${typeof value} id>`;
      case 'port':
        return this.portValue(value);
      case 'header_bytes':
        return typeof value === 'number' ? value - (value > 0 ? extraDigits : 0) : value;
      default:
        return this.exactValue(value);
    }
  }

  private portValue(value: LogValue): LogValue {
    return /^\d{4,5}$/.test(String(value)) ? `<${typeof value} port>` : value;
  }

  private exactValue(value: LogValue): LogValue {
    const port = this.knownPort(String(value));
    if (port !== undefined) {
      return `<${typeof value} port of ${port}>`;
    }
    return typeof value === 'string' ? shortened(this.text(value)) : value;
  }

  private knownPort(value: string): string | undefined {
    return [...this.listenerPorts, ...this.upstreamPorts].find(([, port]) => port === value)?.[0];
  }
}

/** A text log line with its numbers replaced: short ones by one sign, long ones (times) sign by sign. */
export function maskNumbers(line: string): string {
  return line
    .replace(UUID4, '<uuid>')
    .replace(/\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b +\d+/g, '<month> #')
    .replace(/\d{3,}/g, (digits) => '#'.repeat(digits.length))
    .replace(/\d+/g, '#');
}

/** How many digits beyond the first all x-envoy-upstream-service-time headers of `text` have. */
export function serviceTimeExtraDigits(text: string): number {
  let extra = 0;
  for (const match of text.matchAll(/^x-envoy-upstream-service-time: (\d+)\r?$/gim)) {
    extra += (match[1]?.length ?? 1) - 1;
  }
  return extra;
}
