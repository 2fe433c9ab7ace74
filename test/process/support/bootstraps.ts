/** Small bootstraps for process tests. Every port is 0. */

const ADMIN = 'admin: { address: { socket_address: { address: 127.0.0.1, port_value: 0 } } }\n';

/** One HTTP listener called `main` that answers by itself; more listeners and clusters as YAML items of their lists. */
export function bootstrap(parts: { readonly listeners?: string; readonly clusters?: string; readonly top?: string; readonly accessLog?: string; readonly port?: number } = {}): string {
  return `${ADMIN}${parts.top ?? ''}
static_resources:
  listeners:
${httpListener('main', parts.port ?? 0, '', parts.accessLog)}${parts.listeners ?? ''}
  clusters: ${parts.clusters === undefined ? '[]' : `\n${parts.clusters}`}
`;
}

/** A listener item whose only route is a direct response. */
export function httpListener(name: string, port: number, more = '', accessLog = ''): string {
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
          http_filters:
          - name: envoy.filters.http.router
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - { match: { prefix: / }, direct_response: { status: 200, body: { inline_string: "direct" } } }
`;
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
