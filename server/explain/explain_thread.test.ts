import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setEnvironmentData } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import { registerAllExtensions } from '../../extensions/all_extensions.ts';
import { WATCH_KEY, Word } from '../../test/support/turn_watch.ts';
import { packConfig } from '../../workers/protocol/packed_snapshot.ts';
import { fileVersion } from '../config/file_version.ts';
import { readConfig } from '../config/read_config.ts';
import type { ExplainRequest } from '../instance.ts';
import type { ExplainTask } from './explain_task.ts';
import { ExplainThread } from './explain_thread.ts';

const ENTRY = new URL('../../bin/explain_main.ts', import.meta.url);

const BOOTSTRAP = `
static_resources:
  listeners:
  - name: main
    address: {socket_address: {address: 127.0.0.1, port_value: 80}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: main
          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
          route_config:
            name: all
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /a/}
                route:
                  cluster: service
                  timeout: 7s
  clusters:
  - name: service
    load_assignment: {cluster_name: service, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 81}}}}]}]}
`;

let dir = '';
const threads: ExplainThread[] = [];
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'envoyts-explain-'));
});
afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.close()));
});
afterAll(() => {
  rmSync(dir, { recursive: true, force: true });
});

async function task(name: string): Promise<ExplainTask> {
  const configPath = join(dir, name);
  writeFileSync(configPath, BOOTSTRAP);
  const registry = new FactoryRegistry();
  registerAllExtensions(registry);
  const source = { configPath, configYaml: '', allowUnknownStaticFields: false, skipDeprecatedLogs: false, statsTags: [], isLogFormatSet: false };
  const { config } = readConfig(source, registry).read;
  const clusters = config.clusters.map((cluster, id) => ({
    id, config: cluster.config,
    hosts: {
      cluster: cluster.config.name,
      hosts: cluster.discovery.endpoints.map(({ address, port, hostname, weight, priority, region, zone, subZone, metadata }, host) =>
        ({ id: host, address, port, hostname, weight, priority, region, zone, subZone, localityWeight: 0, metadata, canary: false })),
    },
  }));
  return {
    request: request('http://127.0.0.1/a/b'), version: 1, packed: await packConfig(config.listeners, clusters), hostChanges: new Map(),
    ports: new Map([['main', [80]]]), clusterTypes: new Map([['service', 'STATIC']]), health: new Int32Array(new SharedArrayBuffer(64)),
    runtime: config.runtime, node: { id: '', cluster: '', zone: '' },
    origin: { source, fileVersion: fileVersion(configPath), disabledExtensions: [] }, wallMs: 1_700_000_000_000,
  };
}

function request(url: string): ExplainRequest {
  return { method: '', url, headers: [], bodyBytes: -1, sourceIp: '', listener: '', isInternal: false, random: 0, showsAll: false, isJson: false };
}

function threadFor(entry: URL): ExplainThread {
  const thread = new ExplainThread(entry);
  threads.push(thread);
  return thread;
}

async function textOf(thread: ExplainThread, question: ExplainTask): Promise<string> {
  const answer = await thread.ask(question);
  return 'text' in answer ? answer.text : `error: ${answer.error}`;
}

// Every test starts a thread that loads all of the data path: seconds on a busy machine.
describe('the thread that answers /explain', { timeout: 60_000 }, () => {
  it('says where a request goes, with the places of fields', async () => {
    const question = await task('places.yaml');
    const thread = threadFor(ENTRY);
    const text = await textOf(thread, question);
    expect(text).toMatch(/^verdict +forwarded to cluster service at 127\.0\.0\.1:81/m);
    expect(text).toMatch(/timeout 7s.*places\.yaml:22:/);
    expect(await textOf(thread, { ...question, request: request('http://127.0.0.1/b') })).toMatch(/^verdict +answered here with 404/m);
    expect(await textOf(thread, { ...question, request: request('') })).toContain('error: a URL is wanted');
  });

  it('sees hosts that changed, their health, and a new snapshot', async () => {
    const question = await task('hosts.yaml');
    const thread = threadFor(ENTRY);
    const moved = { cluster: 'service', hosts: [{ id: 3, address: '127.0.0.1', port: 99, hostname: '', weight: 1, priority: 0, region: '', zone: '', subZone: '', localityWeight: 0, metadata: {}, canary: false }] };
    expect(await textOf(thread, { ...question, hostChanges: new Map([[0, moved]]) })).toMatch(/^verdict +forwarded to cluster service at 127\.0\.0\.1:99/m);
    expect(await textOf(thread, question)).toMatch(/^verdict +forwarded to cluster service at 127\.0\.0\.1:81/m);
    expect(await textOf(thread, { ...question, version: 2, packed: { ...question.packed, clusters: [] } })).toMatch(/^verdict +answered here with 503/m);
  });

  it('names no places of a file that is another one by now', async () => {
    const question = await task('changed.yaml');
    writeFileSync(question.origin.source.configPath, `# one line more\n${BOOTSTRAP}`);
    const text = await textOf(threadFor(ENTRY), question);
    expect(text).toMatch(/^verdict +forwarded to cluster service at 127\.0\.0\.1:81/m);
    expect(text).not.toMatch(/changed\.yaml:24:/);
    expect(text).toMatch(/timeout 7s/);
  });

  it("leaves main's loop free", async () => {
    const words = new Int32Array(new SharedArrayBuffer(8));
    setEnvironmentData(WATCH_KEY, words.buffer as unknown as Parameters<typeof setEnvironmentData>[1]);
    let isAsking = true;
    const turn = (): void => {
      Atomics.add(words, Word.turns, 1);
      Atomics.notify(words, Word.turns);
      if (isAsking) setImmediate(turn);
    };
    setImmediate(turn);
    const thread = threadFor(new URL('../../test/support/watched_explain_main.ts', import.meta.url));
    expect(await textOf(thread, await task('watched.yaml'))).toMatch(/^verdict +forwarded/m);
    isAsking = false;
    expect(Atomics.load(words, Word.passes)).toBe(2);
  });
});
