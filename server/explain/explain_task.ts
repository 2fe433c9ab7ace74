/**
 * A question to a running process: what crosses to the thread that answers it, and what that thread does. Everything that grows
 * with the configuration is done there. Thread: explain.
 */
import type { FactoryRegistry } from '../../core/registry/factory_registry.ts';
import type { ListenerConfig } from '../../core/network/listener/listener_config.ts';
import type { RuntimeValues } from '../../core/runtime/runtime_snapshot.ts';
import type { ClusterSnapshot, Snapshot } from '../../core/snapshot/snapshot.ts';
import type { HostSetConfig } from '../../core/upstream/cluster_config.ts';
import type { DryRun } from '../../workers/protocol/dry_run.ts';
import { type PackedConfig, unpackClusters, unpackListeners } from '../../workers/protocol/packed_snapshot.ts';
import { fileVersion } from '../config/file_version.ts';
import { type ConfigSource, readConfig } from '../config/read_config.ts';
import type { ExplainAnswer, ExplainRequest } from '../instance.ts';
import { answerExplain } from './answer_explain.ts';
import { ConfigLookup } from './config_lookup.ts';
import { type ProcessFacts, subjectOfProcess } from './explain_subject.ts';

/** What the configuration was read from. */
export interface ConfigOrigin {
  readonly source: ConfigSource;
  /** `fileVersion` of the file then: of another one the places would be wrong. */
  readonly fileVersion: string;
  /** `category/name`, as --disable-extensions gives them. */
  readonly disabledExtensions: readonly string[];
}

/** The question and the process at this moment. Plain data and shared memory. */
export interface ExplainTask extends ProcessFacts {
  readonly request: ExplainRequest;
  /** Of the snapshot; a new one has another. */
  readonly version: number;
  readonly packed: PackedConfig;
  /** Hosts that changed after the snapshot was packed, by cluster id. */
  readonly hostChanges: ReadonlyMap<number, HostSetConfig>;
  readonly runtime: RuntimeValues;
  readonly node: Snapshot['node'];
  readonly origin: ConfigOrigin;
  /** Wall clock, milliseconds. */
  readonly wallMs: number;
}

interface Unpacked {
  readonly version: number;
  readonly clusters: readonly ClusterSnapshot[];
  readonly listeners: readonly ListenerConfig[];
  readonly runtime: RuntimeValues;
}

/** Answers one question after the other; what was made for one serves the next while the snapshot stays. */
export class ExplainResponder {
  private readonly registry: FactoryRegistry;
  private readonly dryRun: DryRun;
  private current: Unpacked | undefined;
  /** null = there can be none. */
  private lookup: ConfigLookup | null | undefined;

  constructor(registry: FactoryRegistry, dryRun: DryRun) {
    this.registry = registry;
    this.dryRun = dryRun;
  }

  answer(task: ExplainTask): ExplainAnswer {
    const { hostChanges, node, wallMs } = task;
    const current = this.unpacked(task);
    const clusters = current.clusters.map((cluster) => {
      const hosts = hostChanges.get(cluster.id);
      return hosts === undefined ? cluster : { ...cluster, hosts };
    });
    return answerExplain(task.request, {
      ...subjectOfProcess(current.listeners, clusters, task),
      runtime: current.runtime, node, lookup: this.findPlaces(task.origin), dryRun: this.dryRun, nowMs: () => wallMs,
    });
  }

  /** Of one version always the same objects: what was compiled for them is found by them. */
  private unpacked({ version, packed, runtime }: ExplainTask): Unpacked {
    if (this.current?.version !== version) {
      this.current = { version, clusters: unpackClusters(packed), listeners: unpackListeners(packed), runtime };
    }
    return this.current;
  }

  private findPlaces({ source, fileVersion: versionThen }: ConfigOrigin): ConfigLookup | undefined {
    if (this.lookup === undefined) this.lookup = fileVersion(source.configPath) === versionThen ? this.readAgain(source) : null;
    return this.lookup ?? undefined;
  }

  /** The configuration was read without errors once: with one now, it is not the same any more. */
  private readAgain(source: ConfigSource): ConfigLookup | null {
    try {
      return new ConfigLookup(readConfig(source, this.registry).loaded);
    } catch {
      return null;
    }
  }
}
