/** One kind of load. Every proxy gets the same bytes in a closed loop. */
export interface Scenario {
  readonly name: string;
  readonly what: string;
  readonly method: 'GET' | 'POST';
  /** Last path segment, which chooses the origin's answer. */
  readonly path: '1k' | '64k' | '1m' | 'post';
  /** Size of the response body, bytes. */
  readonly responseBytes: number;
  /** Size of the request body, bytes. */
  readonly requestBytes: number;
  readonly connections: number;
  /** A new connection for every request. */
  readonly isChurn: boolean;
  readonly hasAccessLog: boolean;
  /** The origin is behind TLS 1.3: whose certificate is verified. */
  readonly isSecured: boolean;
}

const GET_1K: Scenario = {
  name: 'get1k',
  what: '1 KiB GET, 64 keep-alive connections',
  method: 'GET',
  path: '1k',
  responseBytes: 1024,
  requestBytes: 0,
  connections: 64,
  isChurn: false,
  hasAccessLog: false,
  isSecured: false,
};

export const SCENARIOS: readonly Scenario[] = [
  GET_1K,
  { ...GET_1K, name: 'get1k-log', what: `${GET_1K.what}, access log to a file`, hasAccessLog: true },
  { ...GET_1K, name: 'body64k', what: '64 KiB GET, 64 keep-alive connections', path: '64k', responseBytes: 65_536 },
  { ...GET_1K, name: 'body1m', what: '1 MiB GET, 64 keep-alive connections', path: '1m', responseBytes: 1_048_576 },
  {
    ...GET_1K,
    name: 'post1k',
    what: '1 KiB POST, 64 keep-alive connections',
    method: 'POST',
    path: 'post',
    responseBytes: 64,
    requestBytes: 1024,
  },
  { ...GET_1K, name: 'churn', what: '1 KiB GET, a connection per request, 64 at a time', isChurn: true },
  { ...GET_1K, name: 'c2', what: '1 KiB GET, two keep-alive connections: the cost of waking up', connections: 2 },
  { ...GET_1K, name: 'get1k-tls', what: `${GET_1K.what}, the origin behind TLS 1.3`, isSecured: true },
];

/** The route every proxy is configured with. */
export const HOST = 'www.example.com';
export const PREFIX = '/api/';

/** Path of a scenario below the route's prefix. */
export function pathOf(name: string): string {
  return `${PREFIX}v1/${name}`;
}

/**
 * What a browser sends. No x-request-id among them, so that every proxy has to make one: some keep a
 * received one, others always replace it, and that would not be equal work.
 */
export const REQUEST_HEADERS: ReadonlyArray<readonly [string, string]> = [
  ['Host', HOST],
  [
    'User-Agent',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36',
  ],
  ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'],
  ['Accept-Encoding', 'gzip, deflate, br'],
  ['Accept-Language', 'en-US,en;q=0.5'],
  ['Referer', 'https://www.example.com/catalogue/books?page=2'],
  [
    'Cookie',
    'session=0123456789abcdef0123456789abcdef; theme=dark; _ga=GA1.2.1234567890.1234567890; locale=en_US',
  ],
];

/** The scenario's full request header set, Connection included. */
export function headersOf(scenario: Scenario): Array<readonly [string, string]> {
  const headers = [...REQUEST_HEADERS, ['Connection', scenario.isChurn ? 'close' : 'keep-alive'] as const];
  if (scenario.requestBytes > 0) {
    headers.push(['Content-Type', 'application/json'], ['Content-Length', `${scenario.requestBytes}`]);
  }
  return headers;
}

/** A request body of the scenario's size: plain letters, nothing to escape. */
export function bodyOf(scenario: Scenario): string {
  return 'abcdefghijklmnopqrstuvwxyz'.repeat(Math.ceil(scenario.requestBytes / 26)).slice(0, scenario.requestBytes);
}
