/**
 * Asks name servers over TCP only (use_tcp_for_dns_lookups): one connection per question, the servers in turn until one gives a
 * usable answer. RFC 7766: a message is preceded by its length in two bytes. Thread: main.
 */
import { getServers } from 'node:dns';
import { connect, type Socket } from 'node:net';
import { decode, RECURSION_DESIRED, streamEncode } from 'dns-packet';
import type { ResolvedAddress } from '../../core/network/dns_resolver.ts';
import { DNS_QUERY_DEFAULTS, type DnsQueryOptions } from '../../core/upstream/cluster_config.ts';
import type { NameServer, NameServerAnswer } from './name_server.ts';

const DNS_PORT = 53;

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** `10.0.0.1`, `10.0.0.1:5353`, `::1`, `[::1]:53`. */
export function parseServer(text: string): ServerAddress {
  const bracketed = /^\[(.+)\](?::(\d+))?$/.exec(text);
  if (bracketed !== null) return { host: bracketed[1], port: Number(bracketed[2] ?? DNS_PORT) };
  const [host, port, ...rest] = text.split(':');
  return rest.length > 0 || port === undefined ? { host: text, port: DNS_PORT } : { host, port: Number(port) };
}

export class TcpNameServer implements NameServer {
  private readonly servers: readonly string[];
  private readonly sockets = new Set<Socket>();
  private readonly random: () => number;
  private readonly options: DnsQueryOptions;
  private asked = 0;
  private isClosed = false;

  /** `servers`: empty = the system's. `random` gives numbers in [0, 1). */
  constructor(servers: readonly string[], random: () => number, options: DnsQueryOptions = DNS_QUERY_DEFAULTS) {
    this.servers = servers;
    this.random = random;
    this.options = options;
  }

  query(name: string, family: 4 | 6, callback: (answer: NameServerAnswer) => void): void {
    const servers = (this.servers.length > 0 ? this.servers : getServers()).map(parseServer);
    const first = this.options.rotates ? this.asked++ % Math.max(1, servers.length) : 0;
    const round = [...servers.slice(first), ...servers.slice(0, first)];
    this.askInTurn(Array.from({ length: this.options.tries }, () => round).flat(), name, family, 'ENOSERVER', callback);
  }

  /** Nothing is kept between questions. */
  reinitialize(): void {}

  close(): void {
    this.isClosed = true;
    for (const socket of this.sockets) socket.destroy();
  }

  private askInTurn(
    servers: readonly ServerAddress[], name: string, family: 4 | 6, failure: string, callback: (answer: NameServerAnswer) => void,
  ): void {
    if (this.isClosed) return;
    if (servers.length === 0) {
      callback({ kind: 'failed', code: failure });
      return;
    }
    this.ask(servers[0], name, family, (answer) => {
      if (answer.kind === 'failed') this.askInTurn(servers.slice(1), name, family, answer.code, callback);
      else if (!this.isClosed) callback(answer);
    });
  }

  private ask(server: ServerAddress, name: string, family: 4 | 6, callback: (answer: NameServerAnswer) => void): void {
    const id = Math.floor(this.random() * 0x10000);
    const type = family === 4 ? 'A' : 'AAAA';
    const socket = connect({ host: server.host, port: server.port, timeout: this.options.timeoutMs });
    this.sockets.add(socket);
    let received = Buffer.alloc(0);
    let result: NameServerAnswer = { kind: 'failed', code: 'EOF' };
    socket.on('connect', () => socket.write(streamEncode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [{ type, name }] })));
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      result = readAnswer(received.subarray(2, 2 + received.readUInt16BE(0)), id, type);
      socket.destroy();
    });
    socket.on('timeout', () => {
      result = { kind: 'failed', code: 'ETIMEOUT' };
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      result = { kind: 'failed', code: error.code ?? error.message };
    });
    socket.on('close', () => {
      this.sockets.delete(socket);
      callback(result);
    });
  }
}

/** The addresses of one type in an answer; CNAMEs on the way are the server's business. */
function readAnswer(bytes: Uint8Array, id: number, type: string): NameServerAnswer {
  let packet: ReturnType<typeof decode>;
  try {
    packet = decode(bytes);
  } catch {
    return { kind: 'failed', code: 'EBADRESP' };
  }
  if (packet.id !== id) return { kind: 'failed', code: 'EBADRESP' };
  if (packet.rcode === 'NXDOMAIN') return { kind: 'none' };
  if (packet.rcode !== 'NOERROR') return { kind: 'failed', code: `E${packet.rcode ?? 'BADRESP'}` };
  const addresses: ResolvedAddress[] = [];
  for (const answer of packet.answers ?? []) {
    if (answer.type === type && typeof answer.data === 'string') addresses.push({ address: answer.data, ttlSec: answer.ttl ?? 0 });
  }
  return addresses.length > 0 ? { kind: 'addresses', addresses } : { kind: 'none' };
}
