/**
 * Asks a host over TCP: that it can be connected to, or that what it answers to some bytes contains others. A connection that is
 * kept and closed by the host between two checks counts as a failure of the network. Thread: main.
 */
import type { Socket } from 'node:net';
import type { Prober, ProbeListener } from '../../core/upstream/health_prober.ts';
import type { TcpCheckConfig } from './health_check_config.ts';
import { containsInOrder } from './payload.ts';
import { connectProbe, type ProbeRoute } from './probe_socket.ts';
import { proxyHeader } from './proxy_header.ts';

export interface TcpProberOptions {
  readonly check: TcpCheckConfig;
  readonly route: ProbeRoute;
  readonly reuseConnection: boolean;
  /** A connection is made. */
  readonly onConnect: () => void;
}

export class TcpProber implements Prober {
  private readonly options: TcpProberOptions;
  private readonly listener: ProbeListener;
  private socket: Socket | undefined;
  private received: Buffer = Buffer.alloc(0);
  private isAsking = false;
  private isReady = false;

  constructor(options: TcpProberOptions, listener: ProbeListener) {
    this.options = options;
    this.listener = listener;
  }

  probe(): void {
    this.isAsking = true;
    this.received = Buffer.alloc(0);
    const { socket } = this;
    if (socket === undefined) this.connect();
    else if (this.isReady) this.ask(socket);
  }

  abort(): void {
    this.isAsking = false;
    const { socket } = this;
    this.socket = undefined;
    socket?.destroy();
  }

  close(): void {
    this.abort();
  }

  /** Nothing is sent where nothing is expected. */
  private ask(socket: Socket): void {
    const { send, receive, proxyHeader: version } = this.options.check;
    if (receive.length === 0) return;
    if (version !== null) socket.write(proxyHeader(version, socket));
    if (send.length > 0) socket.write(send);
  }

  private connect(): void {
    const { route, check, onConnect } = this.options;
    onConnect();
    this.isReady = false;
    const socket = connectProbe(route, () => {
      if (this.socket !== socket) return;
      this.isReady = true;
      if (check.receive.length === 0) this.succeed(socket, false);
      else if (this.isAsking) this.ask(socket);
    });
    this.socket = socket;
    socket.on('data', (data: Buffer) => this.onData(socket, data));
    socket.on('close', () => {
      if (this.socket !== socket) return;
      this.socket = undefined;
      this.isAsking = false;
      this.listener.onFailure('NETWORK', false);
    });
  }

  private onData(socket: Socket, data: Buffer): void {
    if (this.socket !== socket || !this.isAsking || this.options.check.receive.length === 0) return;
    this.received = Buffer.concat([this.received, data]);
    if (containsInOrder(this.received, this.options.check.receive)) this.succeed(socket, this.options.reuseConnection);
  }

  private succeed(socket: Socket, keeps: boolean): void {
    if (this.socket !== socket) return;
    this.isAsking = false;
    this.received = Buffer.alloc(0);
    if (!keeps) {
      this.socket = undefined;
      socket.destroy();
    }
    this.listener.onSuccess(false);
  }
}
