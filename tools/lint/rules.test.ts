import { describe, expect, it } from 'vitest';
import { lintDocument, lintFile, MAX_LINES } from './rules.ts';

const rulesOf = (path: string, text: string) => lintFile({ path, text }).map((finding) => finding.rule);

describe('project lint', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ['no-global-timers', 'core/http/a.ts', 'setTimeout(() => {}, 1);'],
    ['no-global-clock', 'extensions/x/a.ts', 'const now = Date.now();'],
    ['no-math-random', 'server/a.ts', 'const r = Math.random();'],
    ['no-event-emitter-in-hot-code', 'core/http/a.ts', 'class A extends EventEmitter {}'],
    ['no-promises-in-hot-code', 'core/router/a.ts', 'async function f() {}'],
    ['no-bind-in-hot-code', 'core/http/a.ts', 'const f = this.g.bind(this);'],
    ['no-delete-in-hot-code', 'core/http/a.ts', '  delete this.x;'],
    ['no-process-exit-below-bin', 'core/http/a.ts', 'process.exit(1);'],
    ['todo-needs-issue', 'core/http/a.ts', `// ${'TO'}${'DO'} later`],
    ['telling-file-names', 'core/http/utils.ts', ''],
    ['max-lines', 'core/http/a.ts', '\n'.repeat(MAX_LINES + 1)],
    ['no-sleep-in-tests', 'core/http/a.test.ts', 'await sleep(10);'],
  ];
  it.each(cases)('%s finds its mistake', (rule, path, text) => {
    expect(rulesOf(path, text)).toContain(rule);
  });

  it('leaves comments and other folders alone', () => {
    expect(rulesOf('core/http/a.ts', '// Date.now is not used here')).toEqual([]);
    expect(rulesOf('bench/a.ts', 'const now = Date.now();')).toEqual([]);
  });

  it('finds documents that name files which are gone', () => {
    expect(lintDocument('README.md', 'see `core/gone.ts` and `core/here.ts`', (file) => file === 'core/here.ts').map((finding) => finding.message)).toEqual(['core/gone.ts does not exist']);
  });
});
