/** The entry of the thread that answers /explain, seen from outside. */
import { run as runTask } from '../../bin/explain_main.ts';
import type { ExplainTask } from '../../server/explain/explain_task.ts';
import type { ExplainAnswer } from '../../server/instance.ts';
import { watched } from './turn_watch.ts';

export function run(task: ExplainTask): ExplainAnswer {
  return watched(() => runTask(task));
}
