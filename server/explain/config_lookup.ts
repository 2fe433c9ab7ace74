import type { Message } from '@bufbuild/protobuf';
import { fieldPath, fieldValue, messagesIn } from '../../core/api/config_tree.ts';
import type { LoadedConfig } from '../config/loaded_config.ts';
import { problemPosition } from '../config/config_error.ts';
import type { Place } from './explanation.ts';

/** Answers what a configuration says where, by field paths as messages name them. */
export class ConfigLookup {
  private readonly loaded: LoadedConfig<object>;

  constructor(loaded: LoadedConfig<object>) {
    this.loaded = loaded;
  }

  /** Whether a field of the message at `path` is set, and where it stands. */
  field(path: string, field: string): { readonly isSet: boolean; readonly at: Place } {
    const message = this.find(path);
    const meta = message === undefined ? undefined : this.loaded.tree.meta(message);
    const known = meta?.desc.fields.find((candidate) => candidate.name === field);
    const set = known === undefined ? undefined : meta?.fields.get(known.number);
    if (set === undefined) return { isSet: false, at: undefined };
    const range = set.range;
    if (range === undefined) return { isSet: true, at: undefined };
    const { line, column } = range.source.lineColumn(range.start);
    return { isSet: true, at: `${range.source.file}:${line}:${column}` };
  }

  /** Fields below a path that are set and have no effect, each with its place. */
  withoutEffect(path: string): string[] {
    return this.loaded.problems.warnings()
      .filter((problem) => problem.text.endsWith('has no effect here') && (problem.path.startsWith(`${path}.`) || problem.path === path))
      .map((problem) => `${problem.path.slice(path.length + 1)} (${problemPosition(problem)})`);
  }

  private find(path: string): Message | undefined {
    let message: Message | undefined = this.loaded.rawRoot();
    let here = '';
    while (message !== undefined && here !== path) {
      const next = this.below(message, here, path);
      message = next?.message;
      here = next?.path ?? path;
    }
    return message;
  }

  /** The message one step nearer to `path`. */
  private below(message: Message, here: string, path: string): { message: Message; path: string } | undefined {
    const content = this.loaded.tree.anyContent(message);
    const inside = content === undefined ? message : content.message;
    if (inside === undefined) return undefined;
    const meta = this.loaded.tree.meta(inside);
    for (const field of meta?.desc.fields ?? []) {
      if (field.message === undefined || meta?.fields.has(field.number) !== true) continue;
      if (!path.startsWith(fieldPath(here, field.name))) continue;
      for (const { step, message: inner } of messagesIn(field, fieldValue(inside, field))) {
        const innerPath = fieldPath(here, step);
        if (path === innerPath || path.startsWith(`${innerPath}.`)) return { message: inner, path: innerPath };
      }
    }
    return undefined;
  }
}
