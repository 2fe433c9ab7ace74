import { describe, expect, it } from 'vitest';
import type { RegexMatcher } from '../api/gen/envoy/type/matcher/v3/regex_pb.d.ts';
import { parseYamlMessage } from '../../test/support/parse_yaml.ts';
import { RuntimeSnapshot, type RuntimeValues } from '../runtime/runtime_snapshot.ts';
import { parseRegex } from './parse_matcher.ts';

function parse(fields: string, runtime: RuntimeValues = {}): { errors: string[]; warnings: string[] } {
  const { message, context, errors, warnings } = parseYamlMessage(`{${fields}}`, 'envoy.type.matcher.v3.RegexMatcher');
  const values = new RuntimeSnapshot(runtime);
  context.runtimeInteger = (key, fallback) => values.getInteger(key, fallback);
  parseRegex(message as RegexMatcher, context);
  return { errors: errors(), warnings: warnings().filter((text) => !text.includes('eprecated')) };
}

const OVER = "RE2 program size of 104 > max program size of 100 set for the error level threshold. Increase configured max program size if necessary.";

describe('the size of a regex', () => {
  it('is limited', () => {
    expect(parse("regex: 'a{96}'").errors).toEqual([]);
    expect(parse("regex: 'a{100}'").errors).toEqual([`regex 'a{100}' ${OVER}`]);
    expect(parse("regex: '(/[^/]+){13}'").errors).toEqual([expect.stringMatching(/RE2 program size of 160 > max program size of 100/)]);
  });

  it('is limited by runtime, and by the matcher itself', () => {
    expect(parse("regex: 'a{150}'", { 're2.max_program_size.error_level': 1000 }).errors).toEqual([]);
    expect(parse("regex: 'abc'", { 're2.max_program_size.error_level': 5 }).errors).toEqual([expect.stringContaining('size of 7 > max program size of 5 set for the error level')]);
    expect(parse("regex: 'a{150}', google_re2: {max_program_size: 500}", { 're2.max_program_size.error_level': 5 }).errors).toEqual([]);
    expect(parse("regex: 'abc', google_re2: {max_program_size: 5}").errors).toEqual(["regex 'abc' RE2 program size of 7 > max program size of 5. Increase configured max program size if necessary."]);
  });

  it('is warned of', () => {
    expect(parse("regex: 'a{50}'", { 're2.max_program_size.warn_level': 20 })).toEqual({
      errors: [], warnings: [expect.stringContaining('RE2 program size of 54 > max program size of 20 set for the warn level threshold')],
    });
  });
});
