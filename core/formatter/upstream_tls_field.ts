import type { Certificate } from '../stream_info/certificate.ts';
import type { UpstreamTls } from '../stream_info/upstream_tls.ts';
import { type Field, JsonKind, MISSING, writeText } from './field.ts';
import type { FormatContext } from './format_context.ts';
import { TimeFormat } from './time_format.ts';

const comma = (names: readonly string[] | undefined): string => (names ?? []).join(',');

/** %UPSTREAM_…% by operator: what TLS says of the connection to the host; '' = missing. */
const TEXTS = {
  UPSTREAM_TLS_VERSION: ({ session }) => session.version,
  UPSTREAM_TLS_CIPHER: ({ session }) => session.cipher,
  UPSTREAM_TLS_SESSION_ID: ({ session }) => session.sessionId,
  UPSTREAM_PEER_SUBJECT: ({ peer }) => peer?.subject ?? '',
  UPSTREAM_PEER_ISSUER: ({ peer }) => peer?.issuer ?? '',
  UPSTREAM_PEER_URI_SAN: ({ peer }) => comma(peer?.namesOf('uri')),
  UPSTREAM_PEER_DNS_SAN: ({ peer }) => comma(peer?.namesOf('dns')),
  UPSTREAM_PEER_IP_SAN: ({ peer }) => comma(peer?.namesOf('ip')),
  UPSTREAM_PEER_CERT: ({ peer }) => (peer === null ? '' : encodeURIComponent(peer.pem)),
  UPSTREAM_LOCAL_URI_SAN: ({ own }) => comma(own?.namesOf('uri')),
  UPSTREAM_LOCAL_DNS_SAN: ({ own }) => comma(own?.namesOf('dns')),
  UPSTREAM_LOCAL_IP_SAN: ({ own }) => comma(own?.namesOf('ip')),
} satisfies Readonly<Record<string, (tls: UpstreamTls) => string>>;

export type UpstreamTlsText = keyof typeof TEXTS;
export const UPSTREAM_TLS_TEXTS = Object.keys(TEXTS) as readonly UpstreamTlsText[];

export class UpstreamTlsField implements Field {
  readonly jsonKind = JsonKind.string;
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly text: (tls: UpstreamTls) => string;

  constructor(name: UpstreamTlsText) {
    this.text = TEXTS[name];
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    const tls = context.info?.upstreamTls ?? null;
    const text = tls === null ? '' : this.text(tls);
    return text === '' ? MISSING : writeText(bytes, at, text);
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}

/** %UPSTREAM_PEER_CERT_V_START% and %UPSTREAM_PEER_CERT_V_END%, in UTC. */
export class UpstreamPeerTimeField implements Field {
  readonly jsonKind = JsonKind.string;
  readonly needsRequestHeaders = false;
  readonly needsResponseHeaders = false;
  private readonly format: TimeFormat;
  private readonly timeMs: (certificate: Certificate) => number;

  constructor(format: string, isEnd: boolean) {
    this.format = new TimeFormat(format, false);
    this.timeMs = isEnd ? (certificate) => certificate.validToMs : (certificate) => certificate.validFromMs;
  }

  write(bytes: Uint8Array, at: number, context: FormatContext): number {
    const peer = context.info?.upstreamTls?.peer ?? null;
    return peer === null ? MISSING : this.format.write(bytes, null, at, this.timeMs(peer));
  }

  writeJson(bytes: Uint8Array, at: number, context: FormatContext): number {
    return this.write(bytes, at, context);
  }
}
