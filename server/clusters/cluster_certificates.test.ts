import { describe, expect, it } from 'vitest';
import type { SocketCertificate, UpstreamSocketConfig } from '../../core/network/transport_socket.ts';
import type { ClusterConfig } from '../../core/upstream/cluster_config.ts';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { ClusterCertificates, writeCertificateGauges } from './cluster_certificates.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2026-01-01T00:00:00Z');

function certificate(name: string, days: number): SocketCertificate {
  return { name, details: {
    path: `${name}.pem`, serialNumber: '0a', validFromMs: NOW_MS, expiresMs: NOW_MS + days * DAY_MS + 1000,
    subjectAltNames: [{ kind: 'dns', value: 'a.example' }, { kind: 'uri', value: 'spiffe://a' }, { kind: 'ip', value: '::1' }],
  } };
}

function cluster(certificates: UpstreamSocketConfig['certificates'] | null): ClusterConfig {
  const transportSocket = certificates === null ? null : { name: '', typeName: '', config: { certificates } };
  return { transportSocket } as unknown as ClusterConfig;
}

describe('certificates of clusters', () => {
  it('are listed by socket', () => {
    const all = new ClusterCertificates([cluster(null), cluster({ authority: certificate('ca', 3), shown: null }), cluster({ authority: { name: 'x', details: null }, shown: certificate('mine', -1) })]);
    const shown = {
      path: 'ca.pem', serial_number: '0a', subject_alt_names: [{ dns: 'a.example' }, { uri: 'spiffe://a' }, { ip_address: '::1' }],
      days_until_expiration: '3', valid_from: '2026-01-01T00:00:00Z', expiration_time: '2026-01-04T00:00:01Z',
    };
    expect(all.json(NOW_MS)).toEqual([
      { ca_cert: [shown], cert_chain: [] },
      { ca_cert: [], cert_chain: [{ ...shown, path: 'mine.pem', days_until_expiration: '0', expiration_time: '2025-12-31T00:00:01Z' }] },
    ]);
  });

  it.each([
    [[], undefined],
    [[cluster({ authority: null, shown: null })], undefined],
    [[cluster({ authority: certificate('a', 5), shown: certificate('b', 3) }), cluster({ authority: certificate('c', 4), shown: null })], 3],
    [[cluster({ authority: certificate('a', 5), shown: certificate('b', -3) })], 0],
  ])('the first to end', (clusters, days) => {
    expect(new ClusterCertificates(clusters).daysUntilFirstExpires(NOW_MS)).toBe(days);
  });

  it('have gauges under their names as they are', () => {
    const stats = createLocalStats();
    writeCertificateGauges(cluster({ authority: certificate('my:ca', 1), shown: certificate('my.cert', 2) }), stats.scope.scope('cluster').scope('a'));
    const seconds = (days: number): number => NOW_MS / 1000 + days * 86_400 + 1;
    expect(stats.value('cluster.a.ssl.certificate.my:ca.expiration_unix_time_seconds')).toBe(seconds(1));
    expect(stats.value('cluster.a.ssl.certificate.my.cert.expiration_unix_time_seconds')).toBe(seconds(2));
  });
});
