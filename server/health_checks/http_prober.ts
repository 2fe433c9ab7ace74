/**
 * Asks a host over HTTP/1.1. One connection at a time, kept between checks when configured and when the host agrees. Thread: main.
 */
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Prober, ProbeListener } from '../../core/upstream/health_prober.ts';
import { http1Headers } from './check_request.ts';
import { CheckedBody, checkHostname, type HttpProberOptions, HttpVerdict } from './http_verdict.ts';

export class HttpProber implements Prober {
  private readonly options: HttpProberOptions;
  private readonly listener: ProbeListener;
  private readonly verdict: HttpVerdict;
  private readonly headers: () => readonly string[];
  private readonly agent: Agent;
  private current: ClientRequest | undefined;

  constructor(options: HttpProberOptions, listener: ProbeListener) {
    const { check, target, clusterName, formats } = options;
    this.options = options;
    this.listener = listener;
    this.verdict = new HttpVerdict(options);
    const hostname = checkHostname(target, check.host, clusterName);
    this.headers = formats.perCheck(check.headers, target.host, false, (textOf) => http1Headers(check, hostname, textOf));
    this.agent = new CheckAgent(options.config.reuseConnection, options.onConnect);
  }

  probe(): void {
    const { check, target, bindAddress } = this.options;
    const { address, port } = target;
    const asked = request({
      agent: this.agent, method: check.method, path: check.path, headers: this.headers(), setDefaultHeaders: false,
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
    const body = new CheckedBody(check);
    response.on('data', (chunk: Buffer) => body.add(chunk));
    response.on('error', () => this.onNetworkFailure(asked));
    response.on('end', () => {
      if (this.current !== asked) return;
      if (!response.complete) {
        this.onNetworkFailure(asked);
        return;
      }
      this.current = undefined;
      this.verdict.judge({ status: response.statusCode ?? 0, headers: response.headers, body: body.bytes() }, this.listener);
      if (!config.reuseConnection) socket.destroy();
    });
  }
}

/** One connection at a time; tells of each that it makes. */
class CheckAgent extends Agent {
  private readonly onConnect: () => void;

  constructor(keepAlive: boolean, onConnect: () => void) {
    super({ keepAlive, maxSockets: 1, maxFreeSockets: 1 });
    this.onConnect = onConnect;
  }

  override createConnection(...parameters: Parameters<Agent['createConnection']>): ReturnType<Agent['createConnection']> {
    this.onConnect();
    return super.createConnection(...parameters);
  }
}
