import { afterEach, describe, expect, it } from 'vitest';
import { bootstrap, cluster } from '../../test/process/support/bootstraps.ts';
import { configFolder, wholeRegistry } from '../../test/support/config_folder.ts';
import { passesDuring } from '../../test/support/turn_watch.ts';
import { packConfig } from '../../workers/protocol/packed_snapshot.ts';
import { fileVersion } from '../config/file_version.ts';
import { readConfig } from '../config/read_config.ts';
import type { ExplainRequest } from '../instance.ts';
import type { ExplainTask } from './explain_task.ts';
import { ExplainThread } from './explain_thread.ts';

const ENTRY = new URL('../../bin/explain_main.ts', import.meta.url);

const BOOTSTRAP = bootstrap({
  port: 80, routes: '- match: { prefix: /a/ }\n  route:\n    cluster: service\n    timeout: 7s', clusters: cluster('service', 'STATIC', '127.0.0.1', 81),
});
const TIMEOUT_LINE = BOOTSTRAP.split('\n').findIndex((line) => line.includes('7s')) + 1;

const folder = configFolder();
const threads: ExplainThread[] = [];
afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.close()));
});

async function task(name: string): Promise<ExplainTask> {
  const source = folder.source(name, BOOTSTRAP);
  const { config } = readConfig(source, wholeRegistry()).read;
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
    origin: { source, fileVersion: fileVersion(source.configPath), disabledExtensions: [] }, wallMs: 1_700_000_000_000,
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
    expect(text).toMatch(new RegExp(`timeout 7s.*places\\.yaml:${TIMEOUT_LINE}:`));
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
    folder.source('changed.yaml', `# one line more\n${BOOTSTRAP}`);
    const text = await textOf(threadFor(ENTRY), question);
    expect(text).toMatch(/^verdict +forwarded to cluster service at 127\.0\.0\.1:81/m);
    expect(text).toMatch(/timeout 7s/);
    expect(text).not.toMatch(/timeout 7s.*changed\.yaml/);
  });

  it("leaves main's loop free", async () => {
    const thread = threadFor(new URL('../../test/support/watched_explain_main.ts', import.meta.url));
    const question = await task('watched.yaml');
    expect(await passesDuring(async () => {
      expect(await textOf(thread, question)).toMatch(/^verdict +forwarded/m);
    })).toBe(2);
  });
});
