import { ProtocolType, TransportType } from '../../../core/api/gen/envoy/extensions/filters/network/thrift_proxy/v3/thrift_proxy_enums.ts';
import type { Thrift } from '../../../core/api/gen/envoy/extensions/health_checkers/thrift/v3/thrift_pb.d.ts';
import type { ExtensionFactory, FactoryRegistry } from '../../../core/registry/factory_registry.ts';
import type { ParseContext } from '../../../core/registry/parse_context.ts';
import { type CustomCheck, type CustomHealthChecker, HEALTH_CHECKER_CATEGORY } from '../../../core/upstream/health_prober.ts';
import { ThriftProber, type ThriftProberOptions } from './thrift_prober.ts';
import type { ThriftProtocol, ThriftTransport } from './thrift_types.ts';

/** envoy.health_checkers.thrift. */
export interface ThriftCheck extends CustomCheck, ThriftProberOptions {}

const TRANSPORTS: Readonly<Record<number, ThriftTransport>> = { [TransportType.FRAMED]: 'framed', [TransportType.UNFRAMED]: 'unframed', [TransportType.HEADER]: 'header' };
const PROTOCOLS: Readonly<Record<number, ThriftProtocol>> = { [ProtocolType.BINARY]: 'binary', [ProtocolType.LAX_BINARY]: 'lax_binary', [ProtocolType.COMPACT]: 'compact' };

const factory: ExtensionFactory<ThriftCheck, undefined, CustomHealthChecker> = {
  category: HEALTH_CHECKER_CATEGORY,
  name: 'envoy.health_checkers.thrift',
  typeName: 'envoy.extensions.health_checkers.thrift.v3.Thrift',
  parse: (message, context) => parseThrift(message as Thrift, context),
  createFactory: (check) => ({ createProber: (context, listener) => new ThriftProber(check, context, listener) }),
};

/** Envoy has no automatic choice here, nor Twitter's protocol. */
function parseThrift(message: Thrift, context: ParseContext): ThriftCheck {
  const transport = TRANSPORTS[message.transport];
  const protocol = PROTOCOLS[message.protocol];
  if (transport === undefined || protocol === undefined) {
    const names = `transport ${nameOf(TransportType, message.transport)}, protocol ${nameOf(ProtocolType, message.protocol)}`;
    context.error(message, transport === undefined ? 'transport' : 'protocol', `Unsupported transport or protocol in thrift health check configuration: ${names}`);
  }
  if (transport === 'header' && protocol === 'lax_binary') context.error(message, 'protocol', 'invalid header transport protocol binary/non-strict');
  return { checkerType: 'THRIFT', method: message.methodName, transport: transport ?? 'framed', protocol: protocol ?? 'binary' };
}

function nameOf(numbers: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(numbers).find((name) => numbers[name] === value) ?? String(value);
}

/** Adds the checker to a registry. */
export function register(registry: FactoryRegistry): void {
  registry.register(factory);
}
