/** What `explain` says is what live traffic gets: 10,000 random requests over random tables. */
import { describe, expect, it } from 'vitest';
import { createLogger, createLogLevels } from '../../core/log/logger.ts';
import { LogLevel } from '../../core/log/log_level.ts';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { createSharedSlabs } from '../../core/shared_memory/layout.ts';
import { StatsStore } from '../../core/stats/store.ts';
import { registerAllExtensions } from '../../extensions/all_extensions.ts';
import { loadBootstrap } from '../../server/bootstrap/load_bootstrap.ts';
import { buildConfig } from '../../server/config/snapshot_builder.ts';
import type { ServerConfig } from '../../server/config/server_config.ts';
import { ConfigLookup } from '../../server/explain/config_lookup.ts';
import { explain } from '../../server/explain/explain.ts';
import { type ExplainSubject, subjectOfConfig } from '../../server/explain/explain_subject.ts';
import type { Explanation } from '../../server/explain/explanation.ts';
import { createDryRun } from '../../workers/worker/dry_run.ts';
import { Worker } from '../../workers/worker/worker.ts';
import { FakeIo } from '../support/fake_io.ts';
import { testDescriptors } from '../support/parse_yaml.ts';
import { type RandomRequest, RouteGenerator } from '../support/random_routes.ts';

const TABLES = 40;
const REQUESTS_PER_TABLE = 250;

const registry = new FactoryRegistry();
registerAllExtensions(registry);

function load(bootstrap: object): { config: ServerConfig; subject: ExplainSubject } {
  const source = { configPath: '', configYaml: JSON.stringify(bootstrap), allowUnknownStaticFields: false, skipDeprecatedLogs: true };
  const loaded = loadBootstrap(source, testDescriptors());
  const config = buildConfig(loaded.message, [], loaded.context(registry));
  expect(loaded.problems.errors().map((problem) => problem.text)).toEqual([]);
  return { config, subject: subjectOfConfig(config, new ConfigLookup(loaded), createDryRun(registry), () => 0) };
}

/** A worker as it stands on its thread, without probes, on fake sockets whose peers answer everything with 200. */
class LiveWorker {
  private readonly io = new FakeIo();
  private readonly worker: Worker;
  private readonly listener: number;
  private random = 0;
  readonly errors: string[] = [];

  constructor(config: ServerConfig, subject: ExplainSubject) {
    const log = createLogger({ write: (line) => this.errors.push(line) }, { levels: createLogLevels(LogLevel.error), pattern: '%v', escaped: false }, { threadId: 0, nowMs: () => 0 });
    this.worker = new Worker({
      index: 0, workerCount: 1, io: this.io, registry, slabs: createSharedSlabs(1), log, stats: new StatsStore({ onNewStats: () => {} }),
      sinks: { sink: () => ({ bytes: new Uint8Array(1), view: new DataView(new ArrayBuffer(1)), lineOffset: 0, commit: () => {}, write: () => {} }) }, random: () => this.random,
      exit: (error) => {
        throw error;
      },
    });
    this.worker.start();
    this.worker.applySnapshot({
      version: 1, runtime: config.runtime, node: { id: '', cluster: '', zone: '' },
      clusters: subject.clusters.map(({ id, config: cluster, hosts }) => ({ id, config: cluster, hosts: { cluster: cluster.name, hosts } })),
      listeners: [{ id: 1, config: config.listeners[0], sockets: [{ address: '127.0.0.1', port: 0 }], boundAddresses: [] }],
    });
    this.listener = this.io.latest.connection;
  }

  /** Sends a request on a connection of its own. */
  ask(bytes: string, random: number): { head: string; port: number; response: string } {
    this.random = random;
    const downstream = this.io.accept(this.listener);
    this.io.data(downstream, bytes);
    for (let i = downstream + 1; i <= this.io.socketCount; i++) if (this.io.socket(i).sent === '') this.io.connected(i);
    const upstream = this.io.socketCount > downstream ? this.io.latest : undefined;
    const outcome = { head: upstream?.sent.split('\r\n\r\n')[0] ?? '', port: upstream?.port ?? 0 };
    if (upstream !== undefined) {
      this.io.data(upstream.connection, 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    }
    return { ...outcome, response: this.io.socket(downstream).sent };
  }

  get isExhausted(): boolean {
    return this.io.socketCount > 250;
  }
}

function wireText({ method, target, host, headers }: RandomRequest): string {
  return [`${method} ${target} HTTP/1.1`, `Host: ${host}`, ...headers.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n');
}

/** What both sides say, in one form. */
function liveFacts({ head, port, response }: ReturnType<LiveWorker['ask']>): object {
  const header = (name: string): string | undefined => new RegExp(`^${name}: *(.*)$`, 'im').exec(response.split('\r\n\r\n')[0])?.[1];
  if (head !== '') return { cluster: `c${port - 9000}`, head, route: /^x-route: (.*)$/m.exec(head)?.[1] };
  return { status: Number(response.split(' ')[1]), location: header('location'), route: header('x-route') };
}

function saidFacts({ verdict, route, upstreamRequest, virtualHost }: Explanation): object {
  const name = route?.name;
  if (verdict.kind === 'forwarded') return { cluster: verdict.cluster, head: upstreamRequest.join('\r\n'), route: name };
  return { status: verdict.status, location: verdict.location, route: virtualHost?.requiresTls === true ? undefined : name };
}

describe('explain', () => {
  it(`agrees with live traffic on ${TABLES * REQUESTS_PER_TABLE} requests`, { timeout: 120_000 }, () => {
    const kinds = { forwarded: 0, answered: 0, noRoute: 0 };
    for (let seed = 1; seed <= TABLES; seed++) {
      const generator = new RouteGenerator(seed);
      const { config, subject } = load(generator.bootstrap());
      let live = new LiveWorker(config, subject);
      for (let i = 0; i < REQUESTS_PER_TABLE; i++) {
        const request = generator.request();
        if (live.isExhausted) live = new LiveWorker(config, subject);
        const text = wireText(request);
        const actual = live.ask(text, request.random);
        // The question is asked by what goes over the wire: a URL has no form for every target.
        const said = explainWire(request, subject);
        expect(said.bugs, `seed ${seed}: ${text}`).toEqual([]);
        expect(saidFacts(said), `seed ${seed}: ${text}`).toEqual(liveFacts(actual));
        if (said.verdict.details === 'route_not_found') kinds.noRoute++;
        else kinds[said.verdict.kind === 'forwarded' ? 'forwarded' : 'answered']++;
      }
      expect(live.errors).toEqual([]);
    }
    // The generator makes something of everything.
    expect(Object.values(kinds).every((count) => count > 500), JSON.stringify(kinds)).toBe(true);
  });
});

function explainWire({ method, target, host, headers, random }: RandomRequest, subject: ExplainSubject): Explanation {
  const dryRun: ExplainSubject['dryRun'] = (request) => subject.dryRun({ ...request, bytes: Buffer.from(wireText({ method, target, host, headers, random })) });
  return explain(
    { method, url: '/', headers: [['Host', host], ...headers], bodyBytes: -1, sourceIp: '127.0.0.1', listener: 'l', isInternal: false, random },
    { ...subject, dryRun },
  );
}
