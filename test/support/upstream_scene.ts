import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer, type ServerOptions as HttpsOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ClusterConfig, HostConfig } from '../../core/upstream/cluster_config.ts';
import { register as registerTls } from '../../extensions/transport_sockets/tls/config.ts';
import { ask } from '../process/support/envoyts_process.ts';
import { InProcessWorker } from './in_process_worker.ts';

/** A worker in this process, with hosts of its cluster `c` that are real servers. */
export class UpstreamScene {
  readonly servers: Server[] = [];
  private readonly backend: 'ring' | 'portable';
  private worker: InProcessWorker | undefined;

  constructor(backend: 'ring' | 'portable') {
    this.backend = backend;
  }

  /** Its port; 0 for a path. */
  async serve(answer: RequestListener, where: { host: string; port: number } | { path: string } = { host: '127.0.0.1', port: 0 }): Promise<number> {
    return this.listen(createServer(answer), where);
  }

  /** The same over TLS: its port. */
  async serveSecurely(options: HttpsOptions, answer: RequestListener): Promise<number> {
    return this.listen(createSecureServer(options, answer), { host: '127.0.0.1', port: 0 });
  }

  private async listen(server: Server, where: { host: string; port: number } | { path: string }): Promise<number> {
    this.servers.push(server);
    await new Promise<void>((resolve) => server.listen(where, resolve));
    const address = server.address() as AddressInfo | string;
    return typeof address === 'string' ? 0 : address.port;
  }

  async start(hosts: readonly HostConfig[], cluster: Partial<ClusterConfig> = {}): Promise<void> {
    this.worker = await InProcessWorker.start({ backend: this.backend, upstreamPorts: [], cluster, register: registerTls });
    this.setHosts(hosts);
  }

  setHosts(hosts: readonly HostConfig[]): void {
    this.worker?.worker.updateHosts(0, { cluster: 'c', hosts });
  }

  /** What the proxy answers: the body, or a status other than 200. */
  async get(): Promise<string> {
    const { status, body } = await ask(this.address, '/');
    return status === 200 ? body : `${status}`;
  }

  /** Of the proxy. */
  get address(): string {
    return `127.0.0.1:${this.worker?.port ?? 0}`;
  }

  /** `upstream_cx_total` and the like. */
  stat(name: string): number | undefined {
    return this.worker?.stat(`cluster.c.${name}`);
  }

  /** What the proxy logged as errors. */
  errors(): readonly string[] {
    return this.worker?.errors ?? [];
  }

  /** For afterEach: nothing stays. */
  close(): void {
    this.worker?.close();
    for (const server of this.servers) {
      server.closeAllConnections();
      server.close();
    }
  }
}
