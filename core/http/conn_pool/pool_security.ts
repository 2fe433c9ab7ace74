import type { Io } from '../../io/io.ts';
import type { TlsConnect } from '../../io/tls.ts';
import type { Connection } from '../../network/connection.ts';
import type { IoDispatcher } from '../../network/io_dispatcher.ts';
import type { TransportSocketOptions } from '../../network/transport_socket.ts';
import { UpstreamTls } from '../../stream_info/upstream_tls.ts';
import type { Host } from '../../upstream/host.ts';
import type { SecureSocket } from './cluster_sockets.ts';

/** No context has this number: the connect fails. */
const NO_CONTEXT: TlsConnect = { context: 0x7fffffff, serverName: '' };

/** How the connections of one pool are secured. */
export class PoolSecurity {
  private readonly socket: SecureSocket;
  private readonly io: Io;
  private readonly host: Host;
  private readonly options: TransportSocketOptions | null;
  private readonly isHttp: boolean;

  constructor(socket: SecureSocket, io: Io, host: Host, options: TransportSocketOptions | null, isHttp: boolean) {
    this.socket = socket;
    this.io = io;
    this.host = host;
    this.options = options;
    this.isHttp = isHttp;
  }

  /** Of a connect that cannot succeed where this thread's library does not take what main's took: reported. */
  connectOptions(dispatcher: IoDispatcher): TlsConnect {
    try {
      return this.socket.connectOptions(this.host, this.options, this.isHttp);
    } catch (error) {
      dispatcher.reportException(error);
      return NO_CONTEXT;
    }
  }

  /** '' = the connection may be used; else why not. */
  onHandshake(connection: Connection): string {
    const session = this.io.tlsSession(connection.handle);
    if (session === null) throw new Error('a secured connection without a TLS session');
    const { rules } = this.socket;
    connection.upstreamTls = new UpstreamTls(session, rules.client.certificates[0]?.chain ?? '');
    return rules.onHandshake(session, this.host, this.options);
  }

  /** What TLS failed of; '' = it did not. */
  onFailure(handle: number): string {
    const failure = this.io.tlsFailure(handle);
    if (failure === null) return '';
    this.socket.rules.onHandshakeFailed(failure);
    return failure.text;
  }
}
