/** Certificates that clusters' transport sockets use: who they are and when they end. Thread: main. */
import type { CertificateDetails, SocketCertificate, UpstreamSocketConfig } from '../../core/network/transport_socket.ts';
import type { StatsScope } from '../../core/stats/stats.ts';
import type { ClusterConfig } from '../../core/upstream/cluster_config.ts';
import type { JsonObject } from '../instance.ts';

const DAY_MS = 86_400_000;
/** What a gauge shows for a certificate that could be configured and is not. */
const NEVER = 2 ** 63;
/** As the fields of envoy.admin.v3.SubjectAlternateName are called. */
const NAME_FIELDS = { dns: 'dns', uri: 'uri', ip: 'ip_address' } as const;

/** Configurations of a cluster's sockets that are not plain connections. */
function socketConfigsOf({ transportSocket, socketConfigs }: ClusterConfig): UpstreamSocketConfig[] {
  return [transportSocket, ...Object.values(socketConfigs ?? {})].flatMap((socket) => (socket === null ? [] : [socket.config as UpstreamSocketConfig]));
}

/** Sets `ssl.certificate.<name>.expiration_unix_time_seconds` below a cluster's prefix. */
export function writeCertificateGauges(config: ClusterConfig, scope: StatsScope): void {
  for (const { certificates } of socketConfigsOf(config)) {
    for (const certificate of [certificates.authority, certificates.shown]) if (certificate !== null) writeGauge(certificate, scope);
  }
}

function writeGauge({ name, details }: SocketCertificate, scope: StatsScope): void {
  const seconds = details === null ? NEVER : Math.floor(details.expiresMs / 1000);
  scope.scope('ssl').scope('certificate').rawScope(name).gauge('expiration_unix_time_seconds').set(seconds);
}

/** The certificates of all clusters. */
export class ClusterCertificates {
  private readonly sockets: readonly UpstreamSocketConfig[];

  constructor(clusters: readonly ClusterConfig[]) {
    this.sockets = clusters.flatMap(socketConfigsOf);
  }

  /** Items of `/certs`, one per socket. */
  json(nowMs: number): JsonObject[] {
    const list = (certificate: SocketCertificate | null): JsonObject[] => (certificate?.details ? [detailsJson(certificate.details, nowMs)] : []);
    return this.sockets.map(({ certificates }) => ({ ca_cert: list(certificates.authority), cert_chain: list(certificates.shown) }));
  }

  /** Whole days, 0 when one is over; undefined = there is none. */
  daysUntilFirstExpires(nowMs: number): number | undefined {
    const all = this.sockets.flatMap(({ certificates }) => [certificates.authority?.details ?? [], certificates.shown?.details ?? []].flat());
    return all.length === 0 ? undefined : all.reduce((least, details) => Math.min(least, daysLeft(details, nowMs)), Infinity);
  }
}

function detailsJson(details: CertificateDetails, nowMs: number): JsonObject {
  return {
    path: details.path,
    serial_number: details.serialNumber,
    subject_alt_names: details.subjectAltNames.map(({ kind, value }) => ({ [NAME_FIELDS[kind]]: value })),
    days_until_expiration: String(daysLeft(details, nowMs)),
    valid_from: timestamp(details.validFromMs),
    expiration_time: timestamp(details.expiresMs),
  };
}

function daysLeft({ expiresMs }: CertificateDetails, nowMs: number): number {
  return Math.max(0, Math.floor((expiresMs - nowMs) / DAY_MS));
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}
