/**
 * Asks a host over HTTP/1.1. One connection at a time, kept between checks when configured and when the host agrees. Thread: main.
 */
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { StringMatcher } from '../../core/matcher/string_matcher.ts';
import { isJoinedHeader, type HeaderMutationsConfig } from '../../core/headers/header_mutation.ts';
import type { CheckTarget, HealthCheckStats } from './cluster_health_checker.ts';
import type { HealthCheckConfig, HttpCheckConfig, StatusRange } from './health_check_config.ts';
import type { Prober, ProbeListener } from './health_check_session.ts';
import { containsInOrder } from './payload.ts';

/** Local address to connect from; null = the system's choice. */
export type BindAddress = { readonly address: string; readonly port: number } | null;

/** Methods of requests that have no body. */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'DELETE', 'TRACE', 'CONNECT']);

export interface HttpProberOptions {
  readonly config: HealthCheckConfig;
  readonly check: HttpCheckConfig;
  readonly target: CheckTarget;
  readonly clusterName: string;
  readonly bindAddress: BindAddress;
  readonly stats: HealthCheckStats;
  /** Whether runtime has service_name_matcher looked at this time (health_check.verify_cluster). */
  readonly verifiesCluster: () => boolean;
}

export class HttpProber implements Prober {
  private readonly options: HttpProberOptions;
  private readonly listener: ProbeListener;
  private readonly serviceName: StringMatcher | null;
  private readonly headers: readonly string[];
  private agent: Agent;
  private current: ClientRequest | undefined;

  constructor(options: HttpProberOptions, listener: ProbeListener) {
    const { check, target, clusterName } = options;
    this.options = options;
    this.listener = listener;
    this.serviceName = check.serviceName === null ? null : new StringMatcher(check.serviceName);
    this.headers = requestHeaders(check, target.hostname !== '' ? target.hostname : check.host !== '' ? check.host : clusterName);
    this.agent = createAgent(options.config.reuseConnection);
  }

  probe(): void {
    const { check, target, bindAddress } = this.options;
    const { address, port } = target;
    const asked = request({
      agent: this.agent, method: check.method, path: check.path, headers: this.headers, setDefaultHeaders: false,
      ...(port === 0 && /^[/@]/.test(address) ? { socketPath: address.replace(/^@/, '\0') } : { host: address, port }),
      ...(bindAddress === null ? {} : { localAddress: bindAddress.address }),
    });
    this.current = asked;
    asked.on('response', (response) => this.onResponse(asked, response));
    asked.on('error', () => this.onNetworkFailure(asked));
    asked.end(check.send.length > 0 ? check.send : undefined);
  }

  abort(): void {
    const asked = this.current;
    this.current = undefined;
    asked?.destroy();
  }

  close(): void {
    this.abort();
    this.agent.destroy();
  }

  private onNetworkFailure(asked: ClientRequest): void {
    if (this.current !== asked) return;
    this.current = undefined;
    asked.destroy();
    this.listener.onFailure('NETWORK', false);
  }

  private onResponse(asked: ClientRequest, response: IncomingMessage): void {
    const { check, config } = this.options;
    // Gone from the response when that has ended.
    const { socket } = response;
    const chunks: Buffer[] = [];
    let length = 0;
    response.on('data', (chunk: Buffer) => {
      const limit = check.responseBufferBytes === 0 ? Infinity : check.responseBufferBytes;
      if (check.receive.length === 0 || length >= limit) return;
      const taken = chunk.subarray(0, limit - length);
      length += taken.length;
      chunks.push(taken);
    });
    response.on('error', () => this.onNetworkFailure(asked));
    response.on('end', () => {
      if (this.current !== asked) return;
      if (!response.complete) {
        this.onNetworkFailure(asked);
        return;
      }
      this.current = undefined;
      this.judge(response, Buffer.concat(chunks));
      if (!config.reuseConnection) socket.destroy();
    });
  }

  private judge(response: IncomingMessage, body: Buffer): void {
    const { check, stats, verifiesCluster } = this.options;
    const { listener, serviceName } = this;
    const status = response.statusCode ?? 0;
    const isExpected = isIn(status, check.expected);
    const hasBody = check.receive.length === 0 || containsInOrder(body, check.receive);
    if (!isExpected || !hasBody) {
      if (response.headers['x-envoy-immediate-health-check-fail'] !== undefined) listener.onExclude();
      listener.onFailure('ACTIVE', hasBody && isIn(status, check.retriable));
      return;
    }
    if (serviceName !== null && verifiesCluster()) {
      stats.verify_cluster.inc();
      const name = response.headers['x-envoy-upstream-healthchecked-cluster'];
      if (!serviceName.matchesText(typeof name === 'string' ? name : '')) {
        listener.onFailure('ACTIVE', false);
        return;
      }
    }
    listener.onSuccess(response.headers['x-envoy-degraded'] !== undefined);
  }
}

function createAgent(keepAlive: boolean): Agent {
  return new Agent({ keepAlive, maxSockets: 1, maxFreeSockets: 1 });
}

function isIn(status: number, ranges: readonly StatusRange[]): boolean {
  return ranges.some((range) => status >= range.start && status < range.end);
}

/** Names and values in turn, as they go out. */
export function requestHeaders(check: HttpCheckConfig, host: string): string[] {
  const lines: [string, string][] = [['host', host], ['user-agent', 'Envoy/HC']];
  const { method, send } = check;
  const mutated = mutate(lines, check.headers);
  const rest = mutated.filter(([name]) => send.length === 0 || name !== 'content-length');
  const length = send.length > 0 ? send.length : BODILESS.has(method) || rest.some(([name]) => name === 'content-length') ? -1 : 0;
  if (length >= 0) rest.push(['content-length', String(length)]);
  return rest.flat();
}

/** Removals, then overwrites, then additions; values are constants here. */
function mutate(lines: readonly [string, string][], { add, remove }: HeaderMutationsConfig): [string, string][] {
  let result = lines.filter(([name]) => !remove.includes(name));
  const added: [string, string][] = [];
  for (const { name, value: format, action, keepEmptyValue } of add) {
    const value = format.replaceAll('%%', '%');
    if (value === '' && !keepEmptyValue) continue;
    const at = result.findIndex(([known]) => known === name);
    if (action === 'append_if_exists_or_add') {
      if (at >= 0 && isJoinedHeader(name)) result[at] = [name, `${result[at][1]},${value}`];
      else added.push([name, value]);
    } else if (action === 'add_if_absent') {
      if (at < 0) added.push([name, value]);
    } else if (at >= 0 || action === 'overwrite_if_exists_or_add') {
      result = result.filter(([known], i) => known !== name || i === at);
      if (at >= 0) result[at] = [name, value];
      else result.push([name, value]);
    }
  }
  return [...result, ...added];
}
