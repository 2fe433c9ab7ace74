import type { TlsSession } from '../io/tls.ts';
import { Certificate } from './certificate.ts';

/** What log lines may want to know of a secured connection to a host. Certificates are read when somebody first asks. */
export class UpstreamTls {
  readonly session: TlsSession;
  /** PEM of what we show when asked; '' = nothing. */
  private readonly ownChain: string;
  private peerRead: Certificate | null;
  private ownRead: Certificate | null;

  constructor(session: TlsSession, ownChain: string) {
    this.session = session;
    this.ownChain = ownChain;
    this.peerRead = null;
    this.ownRead = null;
  }

  /** null = the peer showed none. */
  get peer(): Certificate | null {
    const { peerCertificate } = this.session;
    if (peerCertificate !== null) this.peerRead ??= new Certificate(peerCertificate);
    return this.peerRead;
  }

  /** null = we have none. */
  get own(): Certificate | null {
    if (this.ownChain !== '') this.ownRead ??= new Certificate(this.ownChain);
    return this.ownRead;
  }
}
