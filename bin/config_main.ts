/** Entry of the configuration pool's thread (server/config_pool.ts). */
import { FactoryRegistry } from '../core/registry/factory_registry.ts';
import { registerAllExtensions } from '../extensions/all_extensions.ts';
import { type ConfigTask, runConfigTask } from '../server/config/config_task.ts';
import type { DumpTexts } from '../server/config_dump.ts';
import { withoutDisabled } from './disabled_extensions.ts';

/** The pool calls it by this name. */
export function run(task: ConfigTask): DumpTexts | undefined {
  const extensions = new FactoryRegistry();
  registerAllExtensions(extensions);
  return runConfigTask(task, withoutDisabled(extensions, new FactoryRegistry(), task.disabledExtensions).registry);
}
