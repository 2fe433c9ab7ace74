/** Asks a host over HTTP/2 with prior knowledge. Thread: main. */
import type { IncomingHttpHeaders } from 'node:http2';
import type { Prober, ProbeListener } from '../../core/upstream/health_prober.ts';
import { type HeaderLine, http2Headers } from './check_request.ts';
import { Http2Channel, type Http2Exchange } from './http2_channel.ts';
import { CheckedBody, checkHostname, type HttpProberOptions, HttpVerdict } from './http_verdict.ts';

export class Http2Prober implements Prober, Http2Exchange {
  private readonly options: HttpProberOptions;
  private readonly listener: ProbeListener;
  private readonly verdict: HttpVerdict;
  private readonly lines: () => readonly HeaderLine[];
  private readonly channel: Http2Channel;
  private headers: IncomingHttpHeaders = {};
  private body: CheckedBody;

  constructor(options: HttpProberOptions, listener: ProbeListener) {
    const { check, target, route, scheme, clusterName, formats } = options;
    this.options = options;
    this.listener = listener;
    this.verdict = new HttpVerdict(options);
    const authority = checkHostname(target, check.host, clusterName);
    this.lines = formats.perCheck(check.headers, target.host, true, (textOf) => http2Headers(check, authority, scheme, textOf));
    this.channel = new Http2Channel(route, options.limits, options.onConnect);
    this.body = new CheckedBody(check);
  }

  probe(): void {
    const { check } = this.options;
    this.headers = {};
    this.body = new CheckedBody(check);
    this.channel.send(this.lines(), check.send, this);
  }

  abort(): void {
    this.channel.close();
  }

  close(): void {
    this.channel.close();
  }

  // ---- Http2Exchange ----

  onHeaders(headers: IncomingHttpHeaders): void {
    this.headers = headers;
  }

  onData(chunk: Buffer): void {
    this.body.add(chunk);
  }

  onTrailers(): void {}

  onEnd(): void {
    this.verdict.judge({ status: Number(this.headers[':status'] ?? 0), headers: this.headers, body: this.body.bytes() }, this.listener);
    this.endUnlessKept();
  }

  onReset(): void {
    this.listener.onFailure('NETWORK', false);
    this.endUnlessKept();
  }

  private endUnlessKept(): void {
    if (!this.options.config.reuseConnection) this.channel.close();
  }
}
