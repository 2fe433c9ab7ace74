import { LogContext } from '../../core/access_log/access_log.ts';
import { createFormatNeeds, type FormatEnvironment } from '../../core/formatter/format_environment.ts';
import { HeaderNames } from '../../core/headers/header_names.ts';
import type { HeaderMap } from '../../core/headers/header_map.ts';
import { StreamInfo } from '../../core/stream_info/stream_info.ts';
import { headerMap } from './header_map.ts';

type Pairs = readonly (readonly [string, string])[];

/** A finished stream for formatters and log filters, with the names its headers are interned in. */
export interface TestStream {
  readonly names: HeaderNames;
  readonly environment: FormatEnvironment;
  readonly context: LogContext;
  readonly info: StreamInfo;
}

/** 2026-01-02T03:04:05.678250Z. */
export const TEST_START_WALL_MS = 1767323045678.25;

export interface TestStreamOptions {
  readonly request?: Pairs | null;
  readonly response?: Pairs | null;
  readonly trailers?: Pairs | null;
  readonly variables?: Readonly<Record<string, string>>;
}

/** `GET /a?x=1` of 10.9.8.7:4444, answered 200 by 10.0.0.5:8000 after 7.4 ms, unless told otherwise. */
export function testStream(options: TestStreamOptions = {}): TestStream {
  const names = new HeaderNames();
  const map = (pairs: Pairs | null): HeaderMap | null => (pairs === null ? null : headerMap(names, pairs));
  const info = finishedStreamInfo();
  const context = new LogContext();
  context.requestHeaders = map(options.request ?? (options.request === null ? null : DEFAULT_REQUEST));
  context.responseHeaders = map(options.response ?? (options.response === null ? null : DEFAULT_RESPONSE));
  context.responseTrailers = map(options.trailers ?? null);
  context.info = info;
  context.logType = 6;
  const environment: FormatEnvironment = {
    names,
    hostname: 'test-host',
    variables: options.variables ?? {},
    nowWallMs: () => TEST_START_WALL_MS + 10,
    random: () => 0x12345678,
    needs: createFormatNeeds(),
  };
  return { names, environment, context, info };
}

const DEFAULT_REQUEST: Pairs = [[':method', 'GET'], [':path', '/a?x=1'], [':authority', 'localhost:10000'], ['user-agent', 'curl/8.5.0']];
const DEFAULT_RESPONSE: Pairs = [[':status', '200'], ['x-envoy-upstream-service-time', '6']];

function finishedStreamInfo(): StreamInfo {
  const info = new StreamInfo();
  info.reset(Float64Array.of(1000.5, TEST_START_WALL_MS));
  info.requestCompleteMs = 1001.5;
  info.upstreamRequestStartMs = 1001.6;
  info.upstreamConnectStartMs = 1001.7;
  info.upstreamConnectEndMs = 1002.7;
  info.upstreamPoolReadyMs = 1003.7;
  info.firstUpstreamTxMs = 1003.8;
  info.lastUpstreamTxMs = 1003.9;
  info.firstUpstreamRxMs = 1006.5;
  info.firstUpstreamRxBodyMs = 1006.6;
  info.lastUpstreamRxMs = 1006.7;
  info.firstDownstreamTxMs = 1006.8;
  info.lastDownstreamTxMs = 1007.75;
  info.endTimeMs = 1007.9;
  info.responseCode = 200;
  info.responseCodeDetails = 'via_upstream';
  info.bytesSent = 512;
  info.hasUpstreamProtocol = true;
  info.upstreamHost = { address: '10.0.0.5:8000', hostname: 'host.example' };
  info.upstreamClusterName = 'cluster';
  info.upstreamClusterObservabilityName = 'cluster_alt';
  info.upstreamLocalAddress = '10.0.0.1:5555';
  info.upstreamRemoteAddress = '10.0.0.5:8000';
  info.upstreamConnectionId = 9;
  info.upstreamAttemptCount = 1;
  info.connection = { id: 3, remoteAddress: '10.9.8.7:4444', remoteHost: '10.9.8.7', localAddress: '127.0.0.1:10000', filterChainName: 'chain', requestedServerName: '' };
  info.route = { routeName: 'route', virtualHostName: 'vh' };
  return info;
}
