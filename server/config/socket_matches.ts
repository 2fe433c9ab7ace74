/**
 * Which of a cluster's transport sockets a host gets (Cluster.transport_socket_matches): the first whose labels the host's metadata
 * `envoy.transport_socket_match` has, else the first that its locality's has, else the cluster's own. Thread: main.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Cluster, Cluster_TransportSocketMatch } from '../../core/api/gen/envoy/config/cluster/v3/cluster_pb.d.ts';
import type { HealthCheck } from '../../core/api/gen/envoy/config/core/v3/health_check_pb.d.ts';
import type { AnyMessage, ExtensionConfig, ParseContext } from '../../core/registry/parse_context.ts';
import { DEFAULT_SOCKET, type EndpointSockets } from '../../core/upstream/cluster_config.ts';
import { UPSTREAM_SOCKET_CATEGORY } from '../../core/network/transport_socket.ts';
import { parseTransportSocket } from './transport_socket_parser.ts';

type Labels = Readonly<Record<string, unknown>>;

const LABELS = 'envoy.transport_socket_match';
/** Its checks go over connections of traffic. */
const REDIS_CHECK = /\/envoy\.extensions\.health_checkers\.redis\.v3\.Redis$/;

interface SocketMatch {
  readonly name: string;
  readonly labels: Labels;
  /** null = a plain connection. */
  readonly socket: ExtensionConfig | null;
}

export class SocketMatches {
  private readonly matches: readonly SocketMatch[];
  /** Of connections of health checks; undefined: those of traffic. */
  private readonly criteria: Labels | undefined;

  constructor(matches: readonly SocketMatch[], criteria: Labels | undefined) {
    this.matches = matches;
    this.criteria = criteria;
  }

  /** Whether localities' metadata matters. */
  get isEmpty(): boolean {
    return this.matches.length === 0;
  }

  /** By name, in order; null = a plain connection. */
  sockets(): Record<string, ExtensionConfig | null> {
    return Object.fromEntries(this.matches.map(({ name, socket }) => [name, socket]));
  }

  /** Metadata by namespace, of an endpoint and its locality. undefined: the cluster's own socket, also for checks. */
  of(endpoint: Labels, locality: Labels): EndpointSockets | undefined {
    const traffic = this.choose(endpoint[LABELS], locality[LABELS]);
    const checks = this.criteria === undefined ? '' : this.choose(this.criteria, locality[LABELS]);
    return traffic === DEFAULT_SOCKET && checks === '' ? undefined : { traffic, checks };
  }

  private choose(endpoint: unknown, locality: unknown): string {
    const found = this.matches.find(({ labels }) => hasLabels(endpoint, labels)) ?? this.matches.find(({ labels }) => hasLabels(locality, labels));
    return found?.name ?? DEFAULT_SOCKET;
  }
}

/** `own`: the cluster's. */
export function parseSocketMatches(message: Cluster, own: ExtensionConfig | null, context: ParseContext): SocketMatches {
  if (message.transportSocketMatcher !== undefined) context.refuse(message, 'transport_socket_matcher', 'choosing transport sockets by a matcher');
  const known = new Map([[DEFAULT_SOCKET, own]]);
  const matches = message.transportSocketMatches.map((one) => {
    const match = parseMatch(one, context);
    const same = known.get(match.name);
    // Sockets are known by their names from here on.
    if (same !== undefined && !isDeepStrictEqual(same, match.socket)) context.refuse(one, 'name', `another transport socket of the name ${JSON.stringify(match.name)}`);
    known.set(match.name, match.socket);
    return match;
  });
  return new SocketMatches(matches, parseCriteria(message.healthChecks[0]));
}

function parseMatch(message: Cluster_TransportSocketMatch, context: ParseContext): SocketMatch {
  const { transportSocket } = message;
  if (transportSocket === undefined) context.error(message, 'transport_socket', "Didn't find a registered implementation for '' with type URL: ''");
  return { name: message.name, labels: plain(message.match), socket: parseTransportSocket(UPSTREAM_SOCKET_CATEGORY, transportSocket, context) };
}

/** Left unread, so reported, where checks do not look at it. */
function parseCriteria(message: HealthCheck | undefined): Labels | undefined {
  const checker = message?.healthChecker;
  if (checker?.case === 'customHealthCheck' && checker.value.configType.case === 'typedConfig') {
    if (REDIS_CHECK.test((checker.value.configType.value as AnyMessage).typeUrl)) return undefined;
  }
  return message?.transportSocketMatchCriteria === undefined ? undefined : plain(message.transportSocketMatchCriteria);
}

/** A Struct as JSON values. */
function plain(struct: object | undefined): Labels {
  return struct === undefined ? {} : (JSON.parse(JSON.stringify(struct)) as Labels);
}

function hasLabels(metadata: unknown, labels: Labels): boolean {
  const given = typeof metadata === 'object' && metadata !== null ? (metadata as Labels) : {};
  return Object.entries(labels).every(([name, value]) => name in given && isDeepStrictEqual(given[name], value));
}
