import { HOST, PREFIX } from '../macro/scenarios.ts';
import type { PeerContext } from './peer.ts';

/** The bootstrap of the comparison: one listener, one route, one static cluster of two hosts, all else default. */
export function envoyBootstrap(context: PeerContext): string {
  const accessLog =
    context.accessLogPath === undefined
      ? ''
      : `
          access_log:
          - name: envoy.access_loggers.file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: ${JSON.stringify(context.accessLogPath)}`;
  const { originTls } = context;
  const tls =
    originTls === undefined
      ? ''
      : `    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: ${originTls.serverName}
        common_tls_context:
          tls_params: { tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_3 }
          validation_context:
            trusted_ca: { filename: ${JSON.stringify(originTls.caPath)} }
            match_typed_subject_alt_names: [{ san_type: DNS, matcher: { exact: ${originTls.serverName} } }]
`;
  return `admin:
  address: { socket_address: { address: 127.0.0.1, port_value: ${context.adminPort} } }
static_resources:
  listeners:
  - name: downstream
    address: { socket_address: { address: 127.0.0.1, port_value: ${context.port} } }
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: ingress_http
          use_remote_address: true${accessLog}
          route_config:
            name: local_route
            virtual_hosts:
            - name: example
              domains: ["${HOST}"]
              routes:
              - match: { prefix: "${PREFIX}" }
                route: { cluster: origin }
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: origin
    type: STATIC
    connect_timeout: 5s
    load_assignment:
      cluster_name: origin
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${context.originPorts[0]} } } }
        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${context.originPorts[1]} } } }
${tls}`;
}
