import { Certificate } from './certificate.ts';
import type { TlsSession } from '../io/tls.ts';

/** What log lines may want to know of a secured connection to a host. Certificates are read when somebody asks. */
export class UpstreamTls {
  readonly session: TlsSession;
  /** PEM of what we show when asked; '' = nothing. */
  private readonly ownChain: string;

  constructor(session: TlsSession, ownChain: string) {
    this.session = session;
    this.ownChain = ownChain;
  }

  /** null = the peer showed none. */
  get peer(): Certificate | null {
    const { peerCertificate } = this.session;
    return peerCertificate === null ? null : Certificate.of(peerCertificate);
  }

  /** null = we have none. */
  get own(): Certificate | null {
    return this.ownChain === '' ? null : Certificate.ofPem(this.ownChain);
  }
}
