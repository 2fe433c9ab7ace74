/**
 * Header values of health checks that are formats (`%UPSTREAM_METADATA(..)%`, `%START_TIME%`, ..): evaluated for each check, with
 * what there is to know: the host, the protocol, the time. As in Envoy, the client of such a request is 127.0.0.1:0. Thread: main.
 */
import { type FormatEnvironment, processFormatEnvironment } from '../../core/formatter/format_environment.ts';
import { compileHeaderValue, type Formatter } from '../../core/formatter/formatter.ts';
import type { FormatContext } from '../../core/formatter/format_context.ts';
import { HeaderNames } from '../../core/headers/header_names.ts';
import { type HeaderMutationsConfig, isConstantFormat } from '../../core/headers/header_mutation.ts';
import { Protocol, StreamInfo, type UpstreamHostInfo } from '../../core/stream_info/stream_info.ts';

/** The value of a format, for this check. */
export type TextOf = (format: string) => string;

const CLIENT = { id: 0, remoteAddress: '127.0.0.1:0', remoteHost: '127.0.0.1', localAddress: '127.0.0.1:0', filterChainName: '', requestedServerName: '' };

export class CheckFormats {
  private readonly environment: FormatEnvironment;
  private readonly nowWallMs: () => number;
  private readonly compiled = new Map<string, Formatter>();
  private readonly info = new StreamInfo();
  private readonly context: FormatContext = { requestHeaders: null, responseHeaders: null, responseTrailers: null, info: this.info, logType: 0 };
  private readonly clock = new Float64Array(2);

  /** `random`: integers in [0, 2^32). */
  constructor(nowWallMs: () => number, random: () => number) {
    this.environment = processFormatEnvironment(new HeaderNames(), nowWallMs, random);
    this.nowWallMs = nowWallMs;
  }

  /**
   * Header lines of each check of a host: made once when no value of `mutations` is a format.
   */
  perCheck<T>(mutations: HeaderMutationsConfig, host: UpstreamHostInfo, isHttp2: boolean, make: (textOf: TextOf) => T): () => T {
    if (mutations.add.every(({ value }) => isConstantFormat(value))) {
      const made = make((format) => format.replaceAll('%%', '%'));
      return () => made;
    }
    return () => {
      this.begin(host, isHttp2);
      return make((format) => this.formatter(format).formatToString(this.context));
    };
  }

  private begin(host: UpstreamHostInfo, isHttp2: boolean): void {
    const { info, clock } = this;
    clock[0] = this.nowWallMs();
    clock[1] = clock[0];
    info.reset(clock);
    info.protocol = isHttp2 ? Protocol.http2 : Protocol.http11;
    info.upstreamHost = host;
    info.connection = CLIENT;
  }

  private formatter(format: string): Formatter {
    let known = this.compiled.get(format);
    if (known === undefined) {
      known = compileHeaderValue(format, this.environment);
      this.compiled.set(format, known);
    }
    return known;
  }
}
