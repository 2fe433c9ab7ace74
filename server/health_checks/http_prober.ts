/**
 * Asks a host over HTTP/1.1. One connection at a time, kept between checks when configured and when the host agrees. Thread: main.
 */
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Socket } from 'node:net';
import type { Prober, ProbeListener } from '../../core/upstream/health_prober.ts';
import { http1Headers } from './check_request.ts';
import { CheckedBody, checkHostname, type HttpProberOptions, HttpVerdict } from './http_verdict.ts';
import { connectProbe, type ProbeRoute } from './probe_socket.ts';

export class HttpProber implements Prober {
  private readonly options: HttpProberOptions;
  private readonly listener: ProbeListener;
  private readonly verdict: HttpVerdict;
  private readonly headers: () => readonly string[];
  private readonly agent: CheckAgent;
  private current: ClientRequest | undefined;

  constructor(options: HttpProberOptions, listener: ProbeListener) {
    const { check, target, clusterName, formats } = options;
    this.options = options;
    this.listener = listener;
    this.verdict = new HttpVerdict(options);
    const hostname = checkHostname(target, check.host, clusterName);
    this.headers = formats.perCheck(check.headers, target.host, false, (textOf) => http1Headers(check, hostname, textOf));
    this.agent = new CheckAgent(options);
  }

  probe(): void {
    const { check, limits } = this.options;
    const asked = request({
      agent: this.agent, method: check.method, path: check.path, headers: this.headers(), setDefaultHeaders: false, maxHeaderSize: limits.maxHeadersKb * 1024,
    });
    this.current = asked;
    let hasResponse = false;
    asked.on('response', (response) => {
      hasResponse = true;
      this.onResponse(asked, response);
    });
    // The protocol of the connection changes, whoever wants that: its status is all there is.
    asked.on('upgrade', (response, socket) => {
      socket.destroy();
      this.finish(asked, response, Buffer.alloc(0));
    });
    // What comes after a whole response does not make it another: the response says whether it is whole.
    asked.on('error', () => {
      if (!hasResponse) this.onNetworkFailure(asked);
    });
    // Our own limit counts.
    asked.maxHeadersCount = 0;
    asked.end(check.send.length > 0 ? check.send : undefined);
  }

  abort(): void {
    const asked = this.current;
    this.current = undefined;
    asked?.destroy();
    this.agent.abandon();
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
    const { check, config, limits } = this.options;
    // Gone from the response when that has ended.
    const { socket } = response;
    if (response.rawHeaders.length > limits.maxHeaders * 2) {
      this.onNetworkFailure(asked);
      return;
    }
    const body = new CheckedBody(check);
    response.on('data', (chunk: Buffer) => body.add(chunk));
    response.on('error', () => this.onNetworkFailure(asked));
    response.on('close', () => this.onNetworkFailure(asked));
    response.on('end', () => {
      if (!response.complete) {
        this.onNetworkFailure(asked);
        return;
      }
      this.finish(asked, response, body.bytes());
      if (!config.reuseConnection) socket.destroy();
    });
  }

  private finish(asked: ClientRequest, { statusCode, headers }: IncomingMessage, body: Buffer): void {
    if (this.current !== asked) return;
    this.current = undefined;
    this.verdict.judge({ status: statusCode ?? 0, headers, body }, this.listener);
  }
}

/** One connection at a time; tells of each that it makes. Whatever a request says of where to, it goes where checks go. */
class CheckAgent extends Agent {
  private readonly route: ProbeRoute;
  private readonly onConnect: () => void;
  /** Being made. */
  private connecting: Socket | undefined;

  constructor({ config, route, onConnect }: HttpProberOptions) {
    super({ keepAlive: config.reuseConnection, maxSockets: 1, maxFreeSockets: 1 });
    this.route = route;
    this.onConnect = onConnect;
  }

  override createConnection(_options: unknown, onCreated?: (error: Error | null, socket: Socket) => void): undefined {
    this.onConnect();
    const socket = connectProbe(this.route, () => {
      if (this.connecting !== socket) return;
      this.connecting = undefined;
      onCreated?.(null, socket);
    });
    this.connecting = socket;
    socket.on('close', () => {
      if (this.connecting !== socket) return;
      this.connecting = undefined;
      onCreated?.(new Error('no connection'), socket);
    });
  }

  /** Nobody waits for the connection that is being made. */
  abandon(): void {
    const { connecting } = this;
    this.connecting = undefined;
    connecting?.destroy();
  }
}
