import type { TlsSession } from '../../../core/io/tls.ts';
import { createStatGroup, type StatGroup } from '../../../core/stats/stat_group.ts';
import type { Counter, StatsScope } from '../../../core/stats/stats.ts';

const NAMES = {
  counters: [
    'connection_error', 'handshake', 'session_reused', 'no_certificate', 'fail_verify_no_cert', 'fail_verify_error', 'fail_verify_san', 'fail_verify_cert_hash',
    'ocsp_staple_failed', 'ocsp_staple_omitted', 'ocsp_staple_responses', 'ocsp_staple_requests', 'was_key_usage_invalid',
  ],
  gauges: [],
  histograms: {},
} as const;

const FACTORY_NAMES = {
  counters: ['ssl_context_update_by_sds', 'upstream_context_secrets_not_ready', 'downstream_context_secrets_not_ready'],
  gauges: [],
  histograms: {},
} as const;

/** `ssl.*` below a cluster's prefix. */
export class TlsStats {
  readonly counters: StatGroup<(typeof NAMES.counters)[number], never, never>;
  private readonly ciphers: AgreedCounters;
  private readonly versions: AgreedCounters;
  private readonly curves: AgreedCounters;
  private readonly signatureAlgorithms: AgreedCounters;

  constructor(scope: StatsScope) {
    const ssl = scope.scope('ssl');
    this.counters = createStatGroup(ssl, NAMES);
    createStatGroup(scope.scope('client_ssl_socket_factory'), FACTORY_NAMES);
    this.ciphers = new AgreedCounters(ssl.scope('ciphers'));
    this.versions = new AgreedCounters(ssl.scope('versions'));
    this.curves = new AgreedCounters(ssl.scope('curves'));
    this.signatureAlgorithms = new AgreedCounters(ssl.scope('sigalgs'));
  }

  /** Counts a connection that may be used. */
  chargeHandshake(session: TlsSession, signatureAlgorithm: string): void {
    this.counters.handshake.inc();
    if (session.isResumed) this.counters.session_reused.inc();
    if (session.peerCertificate === null) this.counters.no_certificate.inc();
    this.ciphers.charge(session.cipher);
    this.versions.charge(session.version);
    this.curves.charge(session.curve);
    // Before TLS 1.2 it was not agreed on.
    if (session.version >= 'TLSv1.2') this.signatureAlgorithms.charge(signatureAlgorithm);
  }
}

/** Counters of what handshakes agreed on; one comes to be when it is first agreed on. */
class AgreedCounters {
  private readonly scope: StatsScope;
  private readonly byName = new Map<string, Counter>();

  constructor(scope: StatsScope) {
    this.scope = scope;
  }

  /** '' = nothing was agreed on, or it is not known. */
  charge(name: string): void {
    if (name === '') return;
    let counter = this.byName.get(name);
    if (counter === undefined) {
      counter = this.scope.counter(name);
      this.byName.set(name, counter);
    }
    counter.inc();
  }
}
