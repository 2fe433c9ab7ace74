/**
 * The case files: one YAML file per area in `cases/`, holding the listeners and clusters that the area's cases share
 * (so one proxy process serves them all) and the cases themselves. See README.md for the format.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse } from 'yaml';

/** A value as YAML gives it. */
export type YamlValue = string | number | boolean | null | YamlValue[] | { [key: string]: YamlValue };
export type YamlMap = Record<string, YamlValue>;

/** Exact bytes: a latin1 string, or lines to be joined by CRLF. */
export type BytesSpec = string | string[];

/** One step of a script, of either side. */
export type Step =
  | 'close'
  | 'reset'
  | 'half_close'
  /** Of an upstream with TLS: the connection ends without a close_notify. */
  | 'cut'
  /** First in the script of an upstream with TLS: what follows is said in plain text. */
  | 'no_handshake'
  | { readonly send: BytesSpec }
  | { readonly read: 'request' | 'headers' | 'response' | 'close' | number }
  /** Until this text has been received, anywhere. */
  | { readonly read_text: string }
  | { readonly signal: string }
  | { readonly wait: string }
  | { readonly gauges: string[] }
  /** What `changes` counts from. */
  | { readonly baseline: true }
  /** Recorded as how much they have changed since the baseline. */
  | { readonly changes: string[] }
  /** Upstreams of HTTP/2 only, about the request that was read last. */
  | { readonly respond: Http2Response }
  | { readonly reset_stream: number }
  /** The connection takes no more streams. `last`: the last stream that is dealt with, the one read last unless said. */
  | { readonly goaway: number; readonly last?: number }
  | { readonly pause_ms: number }
  | { readonly until_gauge: string; readonly is: number }
  | { readonly until_counter: string; readonly at_least: number };

/** Of a scripted upstream of HTTP/2. Without `open` it ends the stream. */
export interface Http2Response {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: BytesSpec;
  readonly trailers?: Readonly<Record<string, string>>;
  readonly open?: true;
}

/** What an upstream does with its connections: one script for all, or one for each in order of arrival. */
export type UpstreamScript = Step[] | Step[][];

export interface OracleCase {
  readonly name: string;
  /** What the case shows, when the name does not say it. */
  readonly about?: string;
  /** Which listener of the group it talks to; `main` when absent. */
  readonly listener?: string;
  /** `METHOD /path`: a well-formed HTTP/1.1 request is built from this, `headers` and `body`. */
  readonly request?: string;
  readonly host?: string;
  readonly headers?: string[];
  readonly body?: string;
  /** Exact request bytes. */
  readonly raw?: BytesSpec;
  /** How many final responses to wait for after `request` or `raw`; 1 when absent. */
  readonly responses?: number;
  /** Script of the one downstream connection. */
  readonly steps?: Step[];
  /** Scripts of several downstream connections, all started at once. */
  readonly connections?: Step[][];
  /** By upstream name; an upstream that is not named answers every request with 200 `ok`. */
  readonly upstream?: Record<string, UpstreamScript>;
  /** Paths of the recording that are known to vary from run to run, as globs. */
  readonly unstable?: string[];
  /** Numbers in text log lines are compared by their shape only. */
  readonly mask_log_numbers?: boolean;
}

export interface ListenerSpec {
  /** Merged over the default HTTP connection manager. */
  readonly hcm?: YamlMap;
  /** Put before the router. */
  readonly filters?: YamlMap[];
  /** Put instead of the default virtual host, which sends everything to cluster `up`. */
  readonly virtual_hosts?: YamlMap[];
  /** Merged over the route configuration. */
  readonly route_config?: YamlMap;
  /** Merged over the listener. */
  readonly listener?: YamlMap;
  /** Instead of the JSON logger with every operator. */
  readonly access_log?: YamlMap[];
}

export interface ClusterSpec {
  /** Names of the upstreams that are its hosts; its own name when absent, none when empty. */
  readonly hosts?: string[];
  /** Merged over the default STATIC cluster. */
  readonly config?: YamlMap;
}

/** How an upstream name is backed. */
export type UpstreamKind = 'scripted' | 'http2' | 'raw' | 'refused' | 'stalled';

/** The TLS that an upstream speaks; certificates are those of test/support/tls. */
export interface UpstreamTls {
  /** What it shows; `server` when absent. */
  readonly certificate?: string;
  /** Whether it asks for one of `ca`; it does not when absent. */
  readonly client_certificate?: 'asked' | 'required';
  readonly alpn?: readonly string[];
  readonly min_version?: 'TLSv1.2' | 'TLSv1.3';
  readonly max_version?: 'TLSv1.2' | 'TLSv1.3';
  readonly ciphers?: string;
  readonly curves?: string;
}

export interface UpstreamSpec {
  readonly kind: UpstreamKind;
  readonly tls: UpstreamTls | undefined;
  /** Connections of cases that have no script for it close, whatever its kind. */
  readonly isClosed: boolean;
}

export interface CaseGroup {
  /** File name without extension. */
  readonly name: string;
  readonly about: string;
  readonly listeners: Readonly<Record<string, ListenerSpec>>;
  readonly clusters: Readonly<Record<string, ClusterSpec>>;
  /** Only the upstreams that are not scripted, or speak TLS, need a line. */
  readonly upstreams: Readonly<Record<string, UpstreamSpec>>;
  /** Merged over the bootstrap. */
  readonly bootstrap: YamlMap;
  /** Paths of every recording of the group that vary from machine to machine, as globs. */
  readonly unstable: readonly string[];
  /** How header names are spelled is recorded too. */
  readonly spelling: boolean;
  /** What stats are like after a case is not recorded: they are never still, or not the subject. */
  readonly withoutStats: boolean;
  readonly cases: readonly OracleCase[];
}

/** The globs of what may vary in `name`'s recording. */
export function unstablePaths(group: CaseGroup, name: string): string[] {
  return [...group.unstable, ...(group.cases.find((one) => one.name === name)?.unstable ?? [])];
}

/** As the file says it: a kind, or more. */
type WrittenUpstream = UpstreamKind | { readonly kind?: UpstreamKind; readonly tls?: UpstreamTls | null; readonly closed?: true };

interface WrittenGroup extends Omit<Partial<CaseGroup>, 'upstreams'> {
  readonly upstreams?: Readonly<Record<string, WrittenUpstream>>;
  readonly without_stats?: boolean;
}

function upstreamSpec(written: WrittenUpstream): UpstreamSpec {
  if (typeof written === 'string') return { kind: written, tls: undefined, isClosed: false };
  return { kind: written.kind ?? 'scripted', tls: written.tls === undefined ? undefined : (written.tls ?? {}), isClosed: written.closed ?? false };
}

function readGroup(path: string): CaseGroup {
  const document = parse(readFileSync(path, 'utf8'), { merge: true, maxAliasCount: -1 }) as WrittenGroup | null;
  const name = basename(path, '.yaml');
  const cases = document?.cases ?? [];
  const seen = new Set<string>();
  for (const one of cases) {
    if (seen.has(one.name)) {
      throw new Error(`${path}: two cases are called ${one.name}`);
    }
    seen.add(one.name);
  }
  return {
    name,
    about: document?.about ?? '',
    listeners: document?.listeners ?? { main: {} },
    clusters: document?.clusters ?? { up: {} },
    upstreams: Object.fromEntries(Object.entries(document?.upstreams ?? {}).map(([upstream, spec]) => [upstream, upstreamSpec(spec)])),
    bootstrap: document?.bootstrap ?? {},
    unstable: document?.unstable ?? [],
    spelling: document?.spelling ?? false,
    withoutStats: document?.without_stats ?? false,
    cases,
  };
}

/**
 * Reads all case files.
 *
 * @param directory the folder of the YAML files
 * @param filter keeps the cases whose `group/name` contains it; groups without a case left are dropped
 */
export function readCaseGroups(directory: string, filter = ''): CaseGroup[] {
  const groups: CaseGroup[] = [];
  for (const file of readdirSync(directory).sort()) {
    if (!file.endsWith('.yaml')) {
      continue;
    }
    const group = readGroup(join(directory, file));
    const cases = group.cases.filter((one) => `${group.name}/${one.name}`.includes(filter));
    if (cases.length > 0) {
      groups.push({ ...group, cases });
    }
  }
  return groups;
}

const DIGITS = '0123456789';

/** The bytes that `spec` stands for, as latin1 text: `{{n}}` is n digits, `{{n:text}}` is n times the text. */
export function bytesOf(spec: BytesSpec): string {
  const text = typeof spec === 'string' ? spec : spec.join('\r\n');
  return text.replace(/\{\{(\d+)(?::([^}]*))?\}\}/g, (_whole, count: string, repeated: string | undefined) =>
    repeated === undefined ? DIGITS.repeat(Math.ceil(Number(count) / DIGITS.length)).slice(0, Number(count)) : repeated.repeat(Number(count)),
  );
}

function requestText(one: OracleCase, request: string): string {
  const lines = [`${request} HTTP/1.1`, `host: ${one.host ?? 'oracle.test'}`, ...(one.headers ?? [])];
  const body = one.body ?? '';
  const isFramed = lines.some((line) => /^(content-length|transfer-encoding):/i.test(line));
  if (body !== '' && !isFramed) {
    lines.push(`content-length: ${body.length}`);
  }
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** The scripts of the case's downstream connections, with `request` and `raw` spelled out. */
export function downstreamScripts(one: OracleCase): Step[][] {
  if (one.connections !== undefined) {
    return one.connections;
  }
  if (one.steps !== undefined) {
    return [one.steps];
  }
  const text = one.request === undefined ? bytesOf(one.raw ?? '') : requestText(one, one.request);
  const steps: Step[] = [{ send: text }];
  for (let count = 0; count < (one.responses ?? 1); count += 1) {
    steps.push({ read: 'response' });
  }
  return [steps];
}
