import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOST, PREFIX } from '../macro/scenarios.ts';
import { findProgram } from '../harness/processes.ts';
import type { Peer, PeerCommand, PeerContext } from './peer.ts';
import { programVersion } from './program_version.ts';

/**
 * nginx as Debian ships it. Its defaults write one log line per system call, which is what most people run;
 * nginx-buffered logs as a proxy with a flush thread does (64 KiB or 10 s).
 */
export function nginxPeer(name: 'nginx' | 'nginx-buffered'): Peer {
  const program = findProgram('nginx');
  return {
    name,
    absence: () => (program === undefined ? 'nginx is not installed' : undefined),
    version: () => (program === undefined ? '' : programVersion(program, '-v', /nginx\/([\d.]+)/)),
    prepare: (context) => prepare(context, program ?? 'nginx', name === 'nginx-buffered' ? ' buffer=64k flush=10s' : ''),
    adminReadyPath: undefined,
    warmUpSeconds: 1,
    hasAccessLog: true,
    isLogVariant: name === 'nginx-buffered',
    hasWorkers: true,
    isNode: false,
    isRouting: true,
    isRewriting: true,
    speaksTls: true,
  };
}

function prepare(context: PeerContext, program: string, logOptions: string): PeerCommand {
  const { folder } = context;
  for (const kind of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) mkdirSync(join(folder, kind));
  const config = join(folder, 'nginx.conf');
  writeFileSync(config, configText(context, logOptions));
  return { argv: [program, '-p', folder, '-e', join(folder, 'error.log'), '-c', config] };
}

function configText(context: PeerContext, logOptions: string): string {
  const { folder, originPorts, originTls } = context;
  const tls = originTls === undefined ? '' : `
      proxy_ssl_protocols TLSv1.3; proxy_ssl_verify on; proxy_ssl_trusted_certificate ${originTls.caPath}; proxy_ssl_server_name on; proxy_ssl_name ${originTls.serverName};`;
  const log = context.accessLogPath === undefined ? 'off' : `${context.accessLogPath} combined${logOptions}`;
  // The worker would otherwise drop to a user that may not enter the run's folder.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  // A single process, where one worker is enough, cannot outlive a benchmark that was killed.
  const master = context.workers === 1 ? 'master_process off;' : '';
  return `${user} daemon off; ${master} worker_processes ${context.workers};
pid ${folder}/nginx.pid; error_log ${folder}/error.log error;
events { worker_connections ${context.connections + 1024}; }
http {
  access_log ${log};
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000000; keepalive_timeout 600s; server_tokens off;
  proxy_max_temp_file_size 0;
  upstream origin {
    server 127.0.0.1:${originPorts[0]}; server 127.0.0.1:${originPorts[1]};
    keepalive 256; keepalive_requests 1000000000;
  }
  server { listen 127.0.0.1:${context.port} default_server reuseport backlog=4096; return 404; }
  server {
    listen 127.0.0.1:${context.port}; server_name ${HOST};
    location / { return 404; }
    location ${PREFIX} {
      proxy_pass ${originTls === undefined ? 'http' : 'https'}://origin; proxy_http_version 1.1;${tls}
      proxy_set_header Connection ""; proxy_set_header Host $host;
      proxy_set_header X-Request-Id $request_id;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      add_header Via "1.1 nginx";
    }
  }
}
`;
}
