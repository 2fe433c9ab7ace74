/** The TLS of scripted upstreams: what they show, what they ask for, and what they saw of the proxy's handshake. */
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type PeerCertificate, type TlsOptions, type TLSSocket } from 'node:tls';
import { tlsFile, tlsPath } from '../support/tls/certificates.ts';
import type { UpstreamTls } from './case_file.ts';
import { readClientHello } from './client_hello.ts';

/** What an upstream saw; absent: nothing of the kind. */
export interface TlsSighting {
  sni?: string;
  /** ALPN protocols that were offered. */
  offers?: string;
  /** Versions that were offered. */
  versions?: string;
  alpn?: string;
  version?: string;
  cipher?: string;
  /** Common name of the certificate that the proxy showed. */
  client?: string;
  resumed?: true;
  /** Why there was no handshake, as OpenSSL calls it. */
  failure?: string;
}

/** `{{tls.x}}` is the path of a file in test/support/tls, `{{pem.x}}` its text, `{{hash.x}}` and `{{spki.x}}` what pins the certificate of x. */
export function substituteTls(text: string): string {
  return text
    .replace(/\{\{tls\.([\w.]+)\}\}/g, (_whole, name: string) => tlsPath(name))
    .replace(/\{\{pem\.([\w.]+)\}\}/g, (_whole, name: string) => tlsFile(name))
    .replace(/\{\{hash\.(\w+)\}\}/g, (_whole, name: string) => new X509Certificate(tlsFile(`${name}.pem`)).fingerprint256.replaceAll(':', '').toLowerCase())
    .replace(/\{\{spki\.(\w+)\}\}/g, (_whole, name: string) => spkiOf(name));
}

function spkiOf(name: string): string {
  const { publicKey } = new X509Certificate(tlsFile(`${name}.pem`));
  return createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64');
}

function serverOptions(tls: UpstreamTls): TlsOptions {
  const certificate = tls.certificate ?? 'server';
  return {
    cert: tlsFile(`${certificate}.pem`), key: tlsFile(`${certificate}.key.pem`), allowHalfOpen: true,
    requestCert: tls.client_certificate !== undefined, rejectUnauthorized: tls.client_certificate === 'required', ca: tlsFile('ca.pem'),
    ...(tls.alpn === undefined ? {} : { ALPNProtocols: [...tls.alpn] }),
    ...(tls.min_version === undefined ? {} : { minVersion: tls.min_version }),
    ...(tls.max_version === undefined ? {} : { maxVersion: tls.max_version }),
    ...(tls.ciphers === undefined ? {} : { ciphers: tls.ciphers }),
    ...(tls.curves === undefined ? {} : { ecdhCurve: tls.curves }),
  };
}

export interface HandshakeEvents {
  onSecure(socket: TLSSocket): void;
  /** The connection is gone, or about to be. */
  onFailed(): void;
}

/** Secures the connections that one upstream accepted. */
export class TlsTerminator {
  private readonly options: TlsOptions;

  constructor(tls: UpstreamTls) {
    // Tickets that one connection gives are good for the next: each has a server of its own.
    this.options = { ...serverOptions(tls), ticketKeys: randomBytes(48) };
  }

  /** Fills in `sighting` as the handshake goes on. */
  secure(socket: Socket, sighting: TlsSighting, events: HandshakeEvents): void {
    let isOver = false;
    const fail = (error: NodeJS.ErrnoException): void => {
      if (isOver) return;
      isOver = true;
      sighting.failure = error.code ?? error.message;
      events.onFailed();
    };
    socket.on('error', fail);
    socket.once('end', () => fail(new Error('closed before the handshake')));
    socket.once('data', (chunk: Buffer) => {
      socket.pause();
      noteClientHello(chunk, sighting);
      socket.unshift(chunk);
      const server = createServer(this.options);
      server.once('secureConnection', (secured) => {
        isOver = true;
        noteSession(secured, sighting);
        events.onSecure(secured);
      });
      server.once('tlsClientError', fail);
      server.emit('connection', socket);
    });
  }
}

/** Notes what the first bytes of a connection say. */
export function noteClientHello(bytes: Buffer, sighting: TlsSighting): void {
  const hello = readClientHello(bytes);
  if (hello === undefined) return;
  if (hello.serverName !== undefined) sighting.sni = hello.serverName;
  if (hello.alpn !== undefined) sighting.offers = hello.alpn.join(',');
  sighting.versions = hello.versions.join(',');
}

function noteSession(socket: TLSSocket, sighting: TlsSighting): void {
  if (typeof socket.alpnProtocol === 'string') sighting.alpn = socket.alpnProtocol;
  sighting.version = socket.getProtocol() ?? 'unknown';
  sighting.cipher = socket.getCipher().name;
  const { subject } = socket.getPeerCertificate() as Partial<PeerCertificate>;
  if (subject !== undefined) sighting.client = String(subject.CN);
  if (socket.isSessionReused()) sighting.resumed = true;
}
