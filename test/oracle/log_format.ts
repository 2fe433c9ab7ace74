/**
 * The JSON access-log format that every listener of a case writes: each operator that an HTTP/1 exchange can fill.
 * Values that cannot be the same twice (times, ids, ephemeral ports) are named here with the shape they must have,
 * so that a comparison still sees whether they are present.
 */

/** How a value is made comparable. */
export type LogValueKind = 'exact' | 'time' | 'duration' | 'id' | 'port' | 'header_bytes';

interface LogOperator {
  readonly format: string;
  readonly kind: LogValueKind;
}

function operator(format: string, kind: LogValueKind = 'exact'): LogOperator {
  return { format: `%${format}%`, kind };
}

/** Sizes of response header blocks: x-envoy-upstream-service-time has a varying number of digits. */
const headerBytes = (format: string): LogOperator => operator(format, 'header_bytes');

/** Key in the JSON line → operator. Keys are sorted by the logger. */
export const LOG_OPERATORS: Readonly<Record<string, LogOperator>> = {
  access_log_type: operator('ACCESS_LOG_TYPE'),
  authority: operator('REQ(:AUTHORITY)'),
  bytes_received: operator('BYTES_RECEIVED'),
  bytes_sent: operator('BYTES_SENT'),
  common_duration: operator('COMMON_DURATION(DS_RX_BEG:DS_TX_END:us)', 'duration'),
  connection_id: operator('CONNECTION_ID', 'id'),
  connection_termination_details: operator('CONNECTION_TERMINATION_DETAILS'),
  downstream_direct_local_address: operator('DOWNSTREAM_DIRECT_LOCAL_ADDRESS'),
  downstream_direct_remote: operator('DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT'),
  downstream_direct_remote_port: operator('DOWNSTREAM_DIRECT_REMOTE_PORT', 'port'),
  downstream_header_bytes_received: operator('DOWNSTREAM_HEADER_BYTES_RECEIVED'),
  downstream_header_bytes_sent: headerBytes('DOWNSTREAM_HEADER_BYTES_SENT'),
  downstream_handshake_duration: operator('DOWNSTREAM_HANDSHAKE_DURATION', 'duration'),
  downstream_local_address: operator('DOWNSTREAM_LOCAL_ADDRESS'),
  downstream_local_port: operator('DOWNSTREAM_LOCAL_PORT'),
  downstream_local_without_port: operator('DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT'),
  downstream_remote: operator('DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT'),
  downstream_remote_address: operator('DOWNSTREAM_REMOTE_ADDRESS'),
  downstream_remote_port: operator('DOWNSTREAM_REMOTE_PORT', 'port'),
  downstream_transport_failure: operator('DOWNSTREAM_TRANSPORT_FAILURE_REASON'),
  downstream_wire_bytes_received: operator('DOWNSTREAM_WIRE_BYTES_RECEIVED'),
  downstream_wire_bytes_sent: headerBytes('DOWNSTREAM_WIRE_BYTES_SENT'),
  duration: operator('DURATION', 'duration'),
  emit_time: operator('EMIT_TIME', 'time'),
  filter_chain_name: operator('FILTER_CHAIN_NAME'),
  forwarded_for: operator('REQ(X-FORWARDED-FOR)'),
  grpc_status: operator('GRPC_STATUS'),
  grpc_status_number: operator('GRPC_STATUS_NUMBER'),
  local_reply_body: operator('LOCAL_REPLY_BODY'),
  method: operator('REQ(:METHOD)'),
  mixed: operator('PROTOCOL%/%RESPONSE_CODE%/%REQ(x-missing)%/100%'),
  original_path: operator('REQ(X-ENVOY-ORIGINAL-PATH?:PATH)'),
  path: operator('REQ(:PATH)'),
  path_no_query: operator('PATH(NQ:PATH)'),
  path_original: operator('PATH(WQ:ORIG)'),
  path_original_or: operator('PATH(WQ:ORIG_OR_PATH)'),
  protocol: operator('PROTOCOL'),
  query_parameter: operator('QUERY_PARAM(q)'),
  request_duration: operator('REQUEST_DURATION', 'duration'),
  request_header: operator('REQ(x-case)'),
  request_header_cut: operator('REQ(x-case):4'),
  request_headers_bytes: operator('REQUEST_HEADERS_BYTES'),
  request_id: operator('REQ(X-REQUEST-ID)'),
  request_tx_duration: operator('REQUEST_TX_DURATION', 'duration'),
  requested_server_name: operator('REQUESTED_SERVER_NAME'),
  response_code: operator('RESPONSE_CODE'),
  response_code_details: operator('RESPONSE_CODE_DETAILS'),
  response_content_type: operator('RESP(content-type)'),
  response_duration: operator('RESPONSE_DURATION', 'duration'),
  response_flags: operator('RESPONSE_FLAGS'),
  response_flags_long: operator('RESPONSE_FLAGS_LONG'),
  response_headers_bytes: headerBytes('RESPONSE_HEADERS_BYTES'),
  response_server: operator('RESP(SERVER)'),
  response_trailer: operator('TRAILER(x-trailer)'),
  response_trailers_bytes: operator('RESPONSE_TRAILERS_BYTES'),
  response_tx_duration: operator('RESPONSE_TX_DURATION', 'duration'),
  roundtrip_duration: operator('ROUNDTRIP_DURATION', 'duration'),
  route_name: operator('ROUTE_NAME'),
  scheme: operator('REQ(:SCHEME)'),
  service_time: operator('RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)', 'duration'),
  start_time: operator('START_TIME', 'time'),
  start_time_seconds: operator('START_TIME(%s)', 'time'),
  start_time_formatted: operator('START_TIME(%Y/%m/%dT%H:%M:%S%z %s)', 'time'),
  stream_id: operator('STREAM_ID', 'id'),
  trace_id: operator('TRACE_ID'),
  unique_id: operator('UNIQUE_ID', 'id'),
  upstream_cluster: operator('UPSTREAM_CLUSTER'),
  upstream_cluster_raw: operator('UPSTREAM_CLUSTER_RAW'),
  upstream_connection_id: operator('UPSTREAM_CONNECTION_ID', 'id'),
  upstream_header_bytes_received: operator('UPSTREAM_HEADER_BYTES_RECEIVED'),
  upstream_header_bytes_sent: operator('UPSTREAM_HEADER_BYTES_SENT'),
  upstream_host: operator('UPSTREAM_HOST'),
  upstream_host_name: operator('UPSTREAM_HOST_NAME'),
  upstream_host_name_without_port: operator('UPSTREAM_HOST_NAME_WITHOUT_PORT'),
  upstream_local: operator('UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT'),
  upstream_local_port: operator('UPSTREAM_LOCAL_PORT', 'port'),
  upstream_pool_ready_duration: operator('UPSTREAM_CONNECTION_POOL_READY_DURATION', 'duration'),
  upstream_local_dns_san: operator('UPSTREAM_LOCAL_DNS_SAN'),
  upstream_local_uri_san: operator('UPSTREAM_LOCAL_URI_SAN'),
  upstream_peer_cert: operator('UPSTREAM_PEER_CERT'),
  upstream_peer_cert_end: operator('UPSTREAM_PEER_CERT_V_END(%Y-%m-%d %H)'),
  upstream_peer_cert_start: operator('UPSTREAM_PEER_CERT_V_START(%Y-%m-%d %H)'),
  upstream_peer_cert_start_plain: operator('UPSTREAM_PEER_CERT_V_START'),
  upstream_peer_dns_san: operator('UPSTREAM_PEER_DNS_SAN'),
  upstream_peer_ip_san: operator('UPSTREAM_PEER_IP_SAN'),
  upstream_peer_issuer: operator('UPSTREAM_PEER_ISSUER'),
  upstream_peer_subject: operator('UPSTREAM_PEER_SUBJECT'),
  upstream_peer_uri_san: operator('UPSTREAM_PEER_URI_SAN'),
  upstream_tls_cipher: operator('UPSTREAM_TLS_CIPHER'),
  upstream_tls_session_id: operator('UPSTREAM_TLS_SESSION_ID', 'id'),
  upstream_tls_version: operator('UPSTREAM_TLS_VERSION'),
  upstream_protocol: operator('UPSTREAM_PROTOCOL'),
  upstream_remote_address: operator('UPSTREAM_REMOTE_ADDRESS'),
  upstream_remote_port: operator('UPSTREAM_REMOTE_PORT'),
  upstream_remote_without_port: operator('UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT'),
  upstream_request_attempts: operator('UPSTREAM_REQUEST_ATTEMPT_COUNT'),
  upstream_transport_failure: operator('UPSTREAM_TRANSPORT_FAILURE_REASON'),
  upstream_wire_bytes_received: operator('UPSTREAM_WIRE_BYTES_RECEIVED'),
  upstream_wire_bytes_sent: operator('UPSTREAM_WIRE_BYTES_SENT'),
  user_agent: operator('REQ(USER-AGENT)'),
  virtual_cluster: operator('VIRTUAL_CLUSTER_NAME'),
};

/** The `json_format` of the access logger that each listener of a case gets. */
export function jsonLogFormat(): Record<string, string> {
  const format: Record<string, string> = {};
  for (const [key, value] of Object.entries(LOG_OPERATORS)) {
    format[key] = value.format;
  }
  return format;
}
