import { expect, it } from 'vitest';
import * as certificateNames from './certificate_names/fuzz.ts';
import * as chunked from './chunked/fuzz.ts';
import * as formatString from './format_string/fuzz.ts';
import * as grpcHealth from './grpc_health/fuzz.ts';
import * as headerMap from './header_map/fuzz.ts';
import * as headerValues from './header_values/fuzz.ts';
import * as request from './http1_request/fuzz.ts';
import * as response from './http1_response/fuzz.ts';
import * as loadReports from './load_reports/fuzz.ts';
import * as peerCertificates from './peer_certificates/fuzz.ts';
import * as redisReplies from './redis_replies/fuzz.ts';
import * as thriftAnswers from './thrift_answers/fuzz.ts';

/** Seconds per target; a nightly run gives more, and another seed. */
const SECONDS = Number(process.env['FUZZ_SECONDS'] ?? 2);
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);

it.each([
  ['request heads', request.run],
  ['response heads', response.run],
  ['chunked bodies', chunked.run],
  ['header maps', headerMap.run],
  ['header values', headerValues.run],
  ['substitution formats', formatString.run],
  ['answers of gRPC health checks', grpcHealth.run],
  ['load reports', loadReports.run],
  ['certificates of peers', peerCertificates.run],
  ['replies of Redis', redisReplies.run],
  ['answers of Thrift', thriftAnswers.run],
  ['names of certificates', certificateNames.run],
] as const)('%s survive random input', (_name, run) => {
  expect(run(SECONDS, SEED).runs).toBeGreaterThan(0);
}, SECONDS * 1000 + 20_000);
