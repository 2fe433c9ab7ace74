/**
 * Cost of one access-log line on a worker: filter, format, append to the ring. Prints CPU nanoseconds and heap bytes per line.
 * Run: node --expose-gc --max-semi-space-size=64 bench/micro/access_log_line.ts [lines]
 */
import { LogContext } from '../../core/access_log/access_log.ts';
import { DEFAULT_LOG_FORMAT } from '../../core/access_log/default_format.ts';
import { LineLogger } from '../../core/access_log/line_logger.ts';
import { RingSinkProvider } from '../../core/access_log/ring_sink.ts';
import { TurnBuffer } from '../../core/buffer/turn_buffer.ts';
import { processFormatEnvironment } from '../../core/formatter/format_environment.ts';
import { compileJson, compileText, type Formatter } from '../../core/formatter/formatter.ts';
import { HeaderMap } from '../../core/headers/header_map.ts';
import { HeaderNames } from '../../core/headers/header_names.ts';
import { RingReader } from '../../core/shared_memory/spsc_ring.ts';
import { StreamInfo } from '../../core/stream_info/stream_info.ts';

const JSON_FORMAT = {
  start_time: '%START_TIME%', method: '%REQ(:METHOD)%', path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%', protocol: '%PROTOCOL%',
  response_code: '%RESPONSE_CODE%', response_flags: '%RESPONSE_FLAGS%', response_code_details: '%RESPONSE_CODE_DETAILS%',
  bytes_received: '%BYTES_RECEIVED%', bytes_sent: '%BYTES_SENT%', duration: '%DURATION%',
  upstream_service_time: '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%', x_forwarded_for: '%REQ(X-FORWARDED-FOR)%',
  user_agent: '%REQ(USER-AGENT)%', request_id: '%REQ(X-REQUEST-ID)%', authority: '%REQ(:AUTHORITY)%',
  upstream_host: '%UPSTREAM_HOST%', upstream_cluster: '%UPSTREAM_CLUSTER%', downstream: '%DOWNSTREAM_REMOTE_ADDRESS%', route: '%ROUTE_NAME%',
};

/** Lines between two visits of the reader: the ring must not run full. */
const READ_EVERY = 512;

interface Measurement {
  readonly format: string;
  readonly lineBytes: number;
  readonly nsPerLine: number;
  readonly heapBytesPerLine: number;
}

function finishedStream(names: HeaderNames): LogContext {
  const turn = new TurnBuffer(new Uint8Array(1 << 16), 0, 1 << 16, 0, 0);
  const request = new HeaderMap(names, turn);
  request.setMethod('GET');
  request.setPath('/api/v1/items/1234?expand=owner&page=2');
  request.add(names.intern('host'), 'shop.example.com');
  request.add(names.intern('user-agent'), 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0');
  request.add(names.intern('x-forwarded-for'), '203.0.113.77');
  request.add(names.intern('x-request-id'), '6b4f1d6e-0d5a-9c07-8b7f-0f2d0c6a4a11');
  const response = new HeaderMap(names, turn);
  response.status = 200;
  response.add(names.intern('x-envoy-upstream-service-time'), '6');
  const info = new StreamInfo();
  info.reset(Float64Array.of(1000.5, 1767323045678.25));
  info.endTimeMs = 1007.9;
  info.responseCode = 200;
  info.responseCodeDetails = 'via_upstream';
  info.bytesSent = 1024;
  info.upstreamHost = { address: '10.0.0.5:8000', hostname: '' };
  info.upstreamClusterObservabilityName = 'items';
  info.connection = { id: 3, remoteAddress: '203.0.113.77:50312', remoteHost: '203.0.113.77', localAddress: '10.0.0.2:8080', filterChainName: '', requestedServerName: '' };
  info.route = { routeName: 'items', virtualHostName: 'shop' };
  const context = new LogContext();
  context.requestHeaders = request;
  context.responseHeaders = response;
  context.info = info;
  context.logType = 6;
  return context;
}

function measure(format: string, formatter: Formatter, context: LogContext, lines: number): Measurement {
  let reader: RingReader | undefined;
  const sinks = new RingSinkProvider((_destination, memory) => {
    reader = new RingReader(memory);
  });
  const logger = new LineLogger(null, formatter, sinks.sink('file'));
  const target = new Uint8Array(1 << 20);
  const info = context.info;
  const run = (count: number): void => {
    for (let i = 0; i < count; i++) {
      // Another millisecond now and then, as under load.
      if (info !== null && (i & 7) === 0) info.startTimeWallMs += 1;
      logger.log(context);
      if (i % READ_EVERY === 0) reader?.read(target, 0, target.length);
    }
  };
  // Twice: optimised code is thrown away once when the first run ends.
  run(100_000);
  run(100_000);
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const cpuBefore = process.cpuUsage();
  run(lines);
  const cpu = process.cpuUsage(cpuBefore);
  // No collection before this look: garbage counts. The young generation given below is never filled.
  const heap = process.memoryUsage().heapUsed - heapBefore;
  return { format, lineBytes: formatter.formatToBytes(context).length, nsPerLine: Math.round(((cpu.user + cpu.system) * 1000) / lines), heapBytesPerLine: heap / lines };
}

const names = new HeaderNames();
const context = finishedStream(names);
const environment = processFormatEnvironment(names, () => 0, () => 0);
const lines = Number(process.argv[2] ?? 1_000_000);
const measurements = [
  measure('default text', compileText(DEFAULT_LOG_FORMAT, false, environment), context, lines),
  measure('JSON, 19 members', compileJson(JSON_FORMAT, false, environment), context, lines),
];
process.stdout.write(`${JSON.stringify(measurements)}\n`);
