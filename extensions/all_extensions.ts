/** The one list of what is built in. Imported by entry files only; the order is the order of listings. */
import type { FactoryRegistry } from '../core/registry/factory_registry.ts';
import { fileAccessLogFactory } from './access_loggers/file/config.ts';
import { stderrAccessLogFactory } from './access_loggers/stderr/config.ts';
import { stdoutAccessLogFactory } from './access_loggers/stdout/config.ts';
import { register as registerDnsCluster } from './clusters/dns/config.ts';
import { register as registerBuffer } from './filters/http/buffer/config.ts';
import { register as registerCors } from './filters/http/cors/config.ts';
import { register as registerFault } from './filters/http/fault/config.ts';
import { register as registerHeaderMutation } from './filters/http/header_mutation/config.ts';
import { register as registerHealthCheck } from './filters/http/health_check/config.ts';
import { register as registerRouter } from './filters/http/router/config.ts';
import { register as registerHttpConnectionManager } from './filters/network/http_connection_manager/config.ts';
import { register as registerEarlyHeaderMutation } from './http/early_header_mutation/header_mutation/config.ts';
import { register as registerPreserveCase } from './http/header_formatters/preserve_case/config.ts';
import { register as registerCustomHeader } from './http/original_ip_detection/custom_header/config.ts';
import { register as registerXff } from './http/original_ip_detection/xff/config.ts';
import { register as registerAllowListedRoutes } from './internal_redirect/allow_listed_routes/config.ts';
import { register as registerPreviousRoutes } from './internal_redirect/previous_routes/config.ts';
import { register as registerSafeCrossScheme } from './internal_redirect/safe_cross_scheme/config.ts';
import { register as registerLeastRequest } from './load_balancing_policies/least_request/config.ts';
import { register as registerRandom } from './load_balancing_policies/random/config.ts';
import { register as registerRoundRobin } from './load_balancing_policies/round_robin/config.ts';
import { register as registerCares } from './network/dns_resolver/cares/config.ts';
import { register as registerGetAddrInfo } from './network/dns_resolver/getaddrinfo/config.ts';
import { register as registerUuid } from './request_id/uuid/config.ts';
import { register as registerRawBuffer } from './transport_sockets/raw_buffer/config.ts';
import { register as registerHttpProtocolOptions } from './upstreams/http/config.ts';

/** Adds every built-in extension to a registry. */
export function registerAllExtensions(registry: FactoryRegistry): void {
  registry.register(fileAccessLogFactory);
  registry.register(stdoutAccessLogFactory);
  registry.register(stderrAccessLogFactory);
  registerDnsCluster(registry);
  registerHttpConnectionManager(registry);
  registerBuffer(registry);
  registerCors(registry);
  registerFault(registry);
  registerHeaderMutation(registry);
  registerHealthCheck(registry);
  registerRouter(registry);
  registerEarlyHeaderMutation(registry);
  registerPreserveCase(registry);
  registerCustomHeader(registry);
  registerXff(registry);
  registerAllowListedRoutes(registry);
  registerPreviousRoutes(registry);
  registerSafeCrossScheme(registry);
  registerRoundRobin(registry);
  registerLeastRequest(registry);
  registerRandom(registry);
  registerCares(registry);
  registerGetAddrInfo(registry);
  registerUuid(registry);
  registerRawBuffer(registry);
  registerHttpProtocolOptions(registry);
}
