import { describe, expect, it } from 'vitest';
import { SourceText } from '../../core/api/source_text.ts';
import { ConfigError, ProblemList, renderProblem, renderProblemLine } from './config_error.ts';

const source = new SourceText('envoy.yaml', 'static_resources:\n  clusters:\n  - nam: a\n\ttabbed: \u001b[31m\n');

function problem(start: number, end: number, text = 'wrong', path = 'a.b') {
  return { severity: 'error' as const, text, range: { source, start, end }, path, hints: ["did you mean 'name'?"] };
}

describe('renderProblem', () => {
  it('shows sentence, position, path, code frame with carets and hints', () => {
    const start = source.text.indexOf('nam:');
    expect(renderProblem(problem(start, start + 3))).toBe(
      ['wrong', '  at envoy.yaml:3:5  a.b', '  2 |   clusters:', '  3 |   - nam: a', '    |     ^^^', "  = did you mean 'name'?"].join('\n'),
    );
  });
  it('keeps carets on the first line of a longer range', () => {
    expect(renderProblem(problem(0, source.text.length)).split('\n')[3]).toBe('    | ^^^^^^^^^^^^^^^^^');
  });
  it('passes no control character to the terminal', () => {
    const start = source.text.indexOf('tabbed');
    expect(renderProblem(problem(start, start + 6))).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
  it('cuts a long line around the place that is meant', () => {
    const long = new SourceText('a.json', `{"a": "${'x'.repeat(5000)}", "bad": 1}`);
    const start = long.text.indexOf('"bad"');
    const lines = renderProblem({ severity: 'error', text: 't', range: { source: long, start, end: start + 5 }, path: '', hints: [] }).split('\n');
    expect(lines[2].length).toBeLessThan(180);
    expect(lines[2]).toContain('"bad"');
    expect(lines[2].indexOf('"bad"')).toBe(lines[3].indexOf('^'));
  });
  it('does without position', () => {
    expect(renderProblem({ severity: 'error', text: 'no file', range: undefined, path: '', hints: [] })).toBe('no file');
    expect(renderProblemLine(problem(0, 1))).toBe('envoy.yaml:1:1 a.b: wrong');
  });
});

describe('ProblemList', () => {
  it('sorts by position and keeps the same complaint about the same place once', () => {
    const list = new ProblemList();
    list.add(problem(30, 31, 'second'));
    list.add(problem(2, 3, 'first'));
    list.add(problem(2, 3, 'first'));
    list.add({ ...problem(0, 1, 'note'), severity: 'warning' });
    expect(list.errors().map((p) => p.text)).toEqual(['first', 'second']);
    expect(list.warnings()).toHaveLength(1);
    expect(list.hasErrors).toBe(true);
  });
  it('renders all into a ConfigError', () => {
    const error = new ConfigError([problem(0, 1, 'one'), problem(2, 3, 'two')]);
    expect(error.message).toContain('one\n  at envoy.yaml:1:1');
    expect(error.message).toContain('two');
  });
});
