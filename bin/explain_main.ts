/** Entry of the thread that answers /explain (server/explain/explain_thread.ts). */
import { FactoryRegistry } from '../core/registry/factory_registry.ts';
import { registerAllExtensions } from '../extensions/all_extensions.ts';
import { ExplainResponder, type ExplainTask } from '../server/explain/explain_task.ts';
import type { ExplainAnswer } from '../server/instance.ts';
import { createDryRun } from '../workers/worker/dry_run.ts';
import { withoutDisabled } from './disabled_extensions.ts';

/** The one of this thread: a thread belongs to one process, whose extensions do not change. */
const current: { responder: ExplainResponder | undefined } = { responder: undefined };

/** The pool calls it by this name. */
export function run(task: ExplainTask): ExplainAnswer {
  current.responder ??= createResponder(task.origin.disabledExtensions);
  return current.responder.answer(task);
}

function createResponder(disabled: readonly string[]): ExplainResponder {
  const extensions = new FactoryRegistry();
  registerAllExtensions(extensions);
  const { registry } = withoutDisabled(extensions, new FactoryRegistry(), disabled);
  return new ExplainResponder(registry, createDryRun(registry));
}
