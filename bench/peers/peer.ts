/** Where and how one proxy of a run is to be set up. */
export interface PeerContext {
  /** Repository root. */
  readonly root: string;
  /** An empty folder of this process's own, gone after the run. */
  readonly folder: string;
  readonly port: number;
  readonly adminPort: number;
  /** The two upstream hosts, both on 127.0.0.1. */
  readonly originPorts: readonly [number, number];
  /** Worker threads or processes, where the proxy has such a thing. */
  readonly workers: number;
  /** What is behind `originPorts` speaks TLS; undefined = it does not. */
  readonly originTls: { readonly caPath: string; readonly serverName: string } | undefined;
  /** Downstream connections it must be able to hold. */
  readonly connections: number;
  /** Access log file; no logging when undefined. */
  readonly accessLogPath: string | undefined;
}

/** A command line; its configuration files are already written into the context's folder. */
export interface PeerCommand {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where standard output goes, for a proxy that logs there. */
  readonly stdoutPath?: string | undefined;
}

/**
 * One proxy of the comparison. All do equal work unless isRouting/isRewriting say otherwise: match host and
 * path prefix, make an x-request-id, add x-forwarded-for and x-forwarded-proto, balance over two upstreams
 * in turn, keep connections alive on both sides.
 */
export interface Peer {
  readonly name: string;
  /** Why it cannot run here, in a few words; undefined when it can. */
  absence(root: string): string | undefined;
  /** Version line for the report. */
  version(): string;
  /** Writes its configuration and says how to start it. */
  prepare(context: PeerContext): PeerCommand;
  /** An admin path that answers 200 when it is ready; undefined: the traffic port is asked. */
  readonly adminReadyPath: string | undefined;
  /** Load before the first measured run of a scenario, seconds: a just-in-time compiler needs several. */
  readonly warmUpSeconds: number;
  /** It can write an access log. */
  readonly hasAccessLog: boolean;
  /** It runs only in scenarios with an access log (a second way of logging). */
  readonly isLogVariant: boolean;
  /** More than one worker is possible. */
  readonly hasWorkers: boolean;
  /** It is a Node process, so usage_probe.ts can be loaded into it. */
  readonly isNode: boolean;
  readonly isRouting: boolean;
  readonly isRewriting: boolean;
  /** It can be told to speak TLS to the origin. */
  readonly speaksTls: boolean;
}
