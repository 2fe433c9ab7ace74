import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOST, PREFIX } from '../macro/scenarios.ts';
import { findProgram } from '../harness/processes.ts';
import type { Peer, PeerCommand, PeerContext } from './peer.ts';
import { programVersion } from './program_version.ts';

/** HAProxy as Debian ships it. It writes no files: its access log is standard output, sent to the file. */
export function haproxyPeer(): Peer {
  const program = findProgram('haproxy');
  return {
    name: 'haproxy',
    absence: () => (program === undefined ? 'haproxy is not installed' : undefined),
    version: () => (program === undefined ? '' : programVersion(program, '-v', /version ([\d.]+)/)),
    prepare: (context) => prepare(context, program ?? 'haproxy'),
    adminReadyPath: undefined,
    warmUpSeconds: 1,
    hasAccessLog: true,
    isLogVariant: false,
    hasWorkers: true,
    isNode: false,
    isRouting: true,
    isRewriting: true,
    speaksTls: true,
  };
}

function prepare(context: PeerContext, program: string): PeerCommand {
  const isLogging = context.accessLogPath !== undefined;
  const { originTls } = context;
  const tls = originTls === undefined ? '' : ` ssl verify required ca-file ${originTls.caPath} verifyhost ${originTls.serverName} sni str(${originTls.serverName})`;
  const config = join(context.folder, 'haproxy.cfg');
  writeFileSync(
    config,
    `global
  nbthread ${context.workers}
  maxconn ${context.connections + 500}
  no strict-limits
  ${isLogging ? 'log stdout format raw local0 info' : ''}
defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout http-keep-alive 600s
  option http-keep-alive
  http-reuse always
  ${isLogging ? 'log global\n  option httplog' : ''}
frontend downstream
  bind 127.0.0.1:${context.port} backlog 4096
  acl is_host hdr(host) -i ${HOST}
  acl is_prefix path_beg ${PREFIX}
  http-request return status 404 unless is_host is_prefix
  http-request set-header x-request-id %[uuid()]
  http-request set-header x-forwarded-proto http
  option forwardfor
  http-response set-header via "1.1 haproxy"
  http-response set-header server haproxy
  use_backend origin if is_host is_prefix
backend origin
  balance roundrobin
  server host1 127.0.0.1:${context.originPorts[0]}${tls}
  server host2 127.0.0.1:${context.originPorts[1]}${tls}
`,
  );
  return { argv: [program, '-db', '-f', config], stdoutPath: context.accessLogPath };
}
