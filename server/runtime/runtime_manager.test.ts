import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLocalStats } from '../../test/support/local_stats.ts';
import { RuntimeManager } from './runtime_manager.ts';

function setUp(hasAdmin = true) {
  const stats = createLocalStats();
  const seen: unknown[] = [];
  const layers = [
    { name: 'base', values: { a: 1, b: true }, isAdmin: false },
    { name: 'over', values: { b: false, f: { numerator: 5, denominator: 100 as const } }, isAdmin: false },
    ...(hasAdmin ? [{ name: 'admin', values: {}, isAdmin: true }] : []),
  ];
  return { stats, seen, runtime: new RuntimeManager(layers, stats.scope, 'cl', (values) => seen.push(values)) };
}

describe('runtime layers', () => {
  it('lie over each other in order', () => {
    const { runtime, stats } = setUp();
    expect(runtime.values()).toEqual({ a: 1, b: false, f: { numerator: 5, denominator: 100 } });
    expect(runtime.entries()[1]).toEqual({ key: 'b', layerValues: ['true', 'false', ''], finalValue: 'false' });
    expect([stats.value('runtime.num_layers'), stats.value('runtime.num_keys')]).toEqual([3, 3]);
  });

  it('take changes in the admin layer, and give them up for an empty value', () => {
    const { runtime, seen, stats } = setUp();
    expect(runtime.modify(new Map([['a', '7'], ['x', 'text'], ['y', 'true']]))).toBeUndefined();
    expect(seen.at(-1)).toMatchObject({ a: '7', x: 'text', y: 'true' });
    expect(stats.value('runtime.admin_overrides_active')).toBe(1);
    runtime.modify(new Map([['a', ''], ['x', ''], ['y', '']]));
    expect(seen.at(-1)).toEqual(setUp().runtime.values());
    expect(stats.value('runtime.admin_overrides_active')).toBe(0);
  });

  it('refuse changes without an admin layer', () => {
    const { runtime, seen } = setUp(false);
    expect(runtime.hasAdminLayer).toBe(false);
    expect(runtime.modify(new Map([['a', '7']]))).toBe('No admin layer specified');
    expect(seen).toEqual([]);
  });

  // Recorded from Envoy: status 503 and this text, by `POST /runtime_modify?k=...`.
  it.each<[string, string]>([
    ['"quoted', 'column 8: illegal EOF in scalar'], ["a: 'x", 'column 6: illegal EOF in scalar'],
    ['{a: 1, b: {c: 1}', 'column 1: end of map flow not found'], ['  [1', 'column 1: end of sequence flow not found'],
    ['[a,{b: 1]', 'column 9: illegal flow end'], ['{a: [1}', 'column 7: illegal flow end'],
    [']', 'column 1: illegal flow end'], ['{numerator: 1}}', 'column 15: illegal flow end'],
    ['a: b: c', 'column 5: illegal map value'], ['[1, *b]', 'column 5: the referenced anchor is not defined: b'],
    ['{a: @b}', 'column 5: unknown token'], ['`x', 'column 1: unknown token'],
    ['> x', 'column 3: unexpected character in block scalar'], ['|+x', 'column 3: unexpected character in block scalar'],
    ['"\\q"', 'column 4: unknown escape character: q'], ['"\\xZZ"', 'column 6: bad character found while scanning hex number'],
  ])('refuse %s, which is no YAML, and change nothing', (text, problem) => {
    const { runtime, seen } = setUp();
    expect(runtime.modify(new Map([['a', '7'], ['k', text]]))).toBe(`yaml-cpp: error at line 1, ${problem}`);
    expect(seen).toEqual([]);
    expect(runtime.entries().map(({ key, finalValue }) => [key, finalValue])).toEqual([['a', '1'], ['b', 'false'], ['f', '{"numerator":5,"denominator":100}']]);
  });

  it.each(['&a', '|', '? x', '---', '...', '%y', 'a]', '"a" b', '{a: 1}x', 'a: b\nc', '[&a 1, *a]', '~', '#x'])('take %j, as Envoy does', (text) => {
    const { runtime, seen } = setUp();
    expect(runtime.modify(new Map([['k', text]]))).toBeUndefined();
    expect(seen.at(-1)).toMatchObject({ k: text });
  });

  it('know a fraction by its YAML, and show values as they were written', () => {
    const { runtime, seen } = setUp();
    const given: [string, unknown][] = [
      ['{numerator: 5, denominator: TEN_THOUSAND}', { numerator: 5, denominator: 10_000 }],
      ['numerator: 7', { numerator: 7, denominator: 100 }],
      ['{denominator: MILLION}', { numerator: 0, denominator: 1_000_000 }],
    ];
    for (const text of ['{numerator: 5, denominator: DOZEN}', '{numerator: 5, more: 1}', '{numerator: half}', '[numerator]', 'denominators']) given.push([text, text]);
    for (const [text, value] of given) {
      runtime.modify(new Map([['f', text]]));
      expect(seen.at(-1)).toMatchObject({ f: value });
      expect(runtime.entries()[2]).toEqual({ key: 'f', layerValues: ['', '{"numerator":5,"denominator":100}', text], finalValue: text });
    }
  });
});

/** As seen of Envoy with the same files. */
describe('layers on disk', () => {
  let folder = '';
  let manager: RuntimeManager | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'envoyts-runtime-'));
  });
  afterEach(() => {
    manager?.close();
    rmSync(folder, { recursive: true });
  });

  function write(files: Record<string, string>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  }

  function start(...subdirectories: [subdirectory: string, appendsServiceCluster?: boolean][]) {
    symlinkSync('v1', join(folder, 'current'));
    const stats = createLocalStats();
    const changes: (() => void)[] = [];
    const seen: unknown[] = [];
    const layers = subdirectories.map(([subdirectory, appendsServiceCluster = false]) => ({ name: subdirectory, values: {}, isAdmin: false, disk: { root: join(folder, 'current'), subdirectory, appendsServiceCluster } }));
    const runtime = new RuntimeManager([{ name: 'base', values: { a: 1, z: 3 }, isAdmin: false }, ...layers], stats.scope, 'cl', (values) => {
      seen.push(values);
      for (const each of changes.splice(0)) each();
    });
    manager = runtime;
    return { runtime, seen, value: (name: string) => stats.value(`runtime.${name}`), changed: () => new Promise<void>((resolve) => changes.push(resolve)) };
  }

  it('have a file per key', () => {
    write({
      'v1/e/a': '5\n', 'v1/e/b': '# comment\ntrue\n', 'v1/e/c': '  x y \n\n', 'v1/e/d': '{numerator: 5, denominator: MILLION}', 'v1/e/sub/deep/f': '1.5',
      'v1/e/g': '', 'v1/e/h': '#only', 'v1/e/m': '1\n2\n', 'v1/e/n': '#c\n#d\n 7 \n#e\n', 'v1/e/.k': 'hidden',
    });
    const { runtime, value } = start(['e']);
    expect(Object.fromEntries(runtime.entries().map(({ key, finalValue }) => [key, finalValue]))).toEqual({
      a: '5', b: 'true', c: '  x y', d: '{numerator: 5, denominator: MILLION}', 'sub.deep.f': '1.5', g: '', h: '', m: '1\n2', n: ' 7 \n', '.k': 'hidden', z: '3',
    });
    expect(runtime.values()).toMatchObject({ a: '5', d: { numerator: 5, denominator: 1_000_000 }, z: 3 });
    expect([value('num_layers'), value('num_keys'), value('load_success'), value('override_dir_not_exists')]).toEqual([2, 11, 1, 1]);
  });

  it('lie over each other, with one for the service cluster; what is not there is none', () => {
    write({ 'v1/e/a': '5', 'v1/over/a': '9', 'v1/over/cl/a': '8' });
    const { runtime, value } = start(['e'], ['over', true], ['missing']);
    expect(runtime.layers).toEqual(['base', 'e', 'over']);
    expect(runtime.entries()[0]).toEqual({ key: 'a', layerValues: ['1', '5', '8'], finalValue: '8' });
    expect([value('override_dir_exists'), value('override_dir_not_exists')]).toEqual([1, 0]);
  });

  it('count for nothing with one file that is no YAML', () => {
    write({ 'v1/e/a': '5', 'v1/e/j': '{bad', 'v1/over/cl/a': '8' });
    const { runtime, value } = start(['e'], ['over', true]);
    expect(runtime.layers).toEqual(['base', 'over']);
    expect([value('load_error'), value('load_success')]).toEqual([1, 0]);
  });

  it('count for nothing when they never end', () => {
    write({ 'v1/e/a': '5' });
    symlinkSync('.', join(folder, 'v1', 'e', 'loop'));
    expect(start(['e']).value('load_error')).toBe(1);
  });

  it('change when another version is moved in place', async () => {
    write({ 'v1/e/a': '5', 'v2/e/a': '7' });
    const { runtime, seen, changed } = start(['e']);
    runtime.watch();
    const change = changed();
    symlinkSync('v2', join(folder, 'new'));
    renameSync(join(folder, 'new'), join(folder, 'current'));
    await change;
    expect(seen.at(-1)).toEqual({ a: '7', z: 3 });
  });
});
