/** Small bootstraps for process tests. Every port is 0. */

const ADMIN = 'admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }\n';

/** What the listener `main` of a bootstrap does; the default: one route that answers by itself. */
interface MainParts {
  readonly accessLog?: string;
  /** Other fields of the connection manager, as YAML. */
  readonly manager?: string;
  /** HTTP filters before the router, as YAML items. */
  readonly filters?: string;
  /** Routes as YAML items. */
  readonly routes?: string;
}

interface BootstrapParts extends MainParts {
  /** More listeners and clusters, as YAML items of their lists. */
  readonly listeners?: string;
  readonly clusters?: string;
  /** More fields of the bootstrap. */
  readonly top?: string;
  readonly port?: number;
}

/** A bootstrap with one HTTP listener called `main`. */
export function bootstrap(parts: BootstrapParts = {}): string {
  return `${ADMIN}${parts.top ?? ''}
static_resources:
  listeners:
${httpListener('main', parts.port ?? 0, '', parts)}${parts.listeners ?? ''}
  clusters: ${parts.clusters === undefined ? '[]' : `\n${parts.clusters}`}
`;
}

const DIRECT = '- { match: { prefix: / }, direct_response: { status: 200, body: { inline_string: "direct" } } }';

/** A listener item. */
export function httpListener(name: string, port: number, more = '', { accessLog = '', manager = '', filters = '', routes = DIRECT }: MainParts = {}): string {
  return `  - name: ${name}
    address: { socket_address: { address: 127.0.0.1, port_value: ${port} } }
    ${more}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: ${name}
          ${accessLog}
${indented(10, manager)}
          http_filters:
${indented(10, filters)}
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
          route_config:
            validate_clusters: false
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
${indented(14, routes)}
`;
}

function indented(blanks: number, yaml: string): string {
  return yaml.split('\n').map((line) => (line === '' ? '' : ' '.repeat(blanks) + line)).join('\n');
}

/** Endpoints on the loopback, as the field of a cluster item. */
export function loadAssignment(name: string, ports: readonly number[]): string {
  const endpoints = ports.map((port) => `{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } } }`);
  return `load_assignment: { cluster_name: ${name}, endpoints: [{ lb_endpoints: [${endpoints.join(', ')}] }] }`;
}

/** The field of an HTTP connection manager that writes access logs to a file. */
export function fileAccessLog(path: string, format: string): string {
  return `access_log: [{ name: f, typed_config: { "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: "${path}", log_format: { text_format_source: { inline_string: "${format}" } } } }]`;
}

/** A cluster item with one endpoint. */
export function cluster(name: string, type: string, address: string, port: number, more = ''): string {
  return `  - name: ${name}
    type: ${type}
    ${more}
    load_assignment:
      cluster_name: ${name}
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: ${address}, port_value: ${port} } } } }] }]
`;
}
