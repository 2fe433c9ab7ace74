/** The configuration pool's entry, seen from outside. */
import { run as runTask } from '../../bin/config_main.ts';
import type { ConfigTask } from '../../server/config/config_task.ts';
import type { DumpTexts } from '../../server/config_dump.ts';
import { watched } from './turn_watch.ts';

export function run(task: ConfigTask): DumpTexts | undefined {
  return watched(() => runTask(task));
}
