import { describe, expect, it } from 'vitest';
import { mergeProto } from './supplement.js';

const ORIGINAL = `syntax = "proto3";
package a;

message Outer {
  // A comment with a } brace.
  message Inner {
    string x = 1 [(rule) = {prefix: "}"}];
  }
  oneof kind {
    string a = 1;
  }
  Inner inner = 2
      [deprecated = true];
  string x = 3;
}

enum E {
  ZERO = 0;
}
`;

describe('mergeProto', () => {
  it('puts patch bodies at the end of the block of the same name', () => {
    const merged = mergeProto(ORIGINAL, 'message Outer { // patch\n  string added = 9;\n}\nenum E { // patch\n  ONE = 1;\n}\n', 'p');
    expect(merged).toMatch(/string x = 3;\n\s*string added = 9;\n}/);
    expect(merged).toMatch(/ZERO = 0;\n\s*ONE = 1;\n}/);
  });
  it('reaches nested messages and oneofs', () => {
    const merged = mergeProto(ORIGINAL, 'message Outer { // patch\n  message Inner { // patch\n    string y = 2;\n  }\n  oneof kind { // patch\n    string b = 4;\n  }\n}\n', 'p');
    expect(merged).toMatch(/"}"}];\n\s*string y = 2;/);
    expect(merged).toMatch(/string a = 1;\n\s*string b = 4;/);
  });
  it('replaces a field that is declared again, only at its own level', () => {
    const merged = mergeProto(ORIGINAL, 'message Outer { // patch\n  Inner inner = 2;\n  message Fresh {\n    string x = 3;\n  }\n}\n', 'p');
    expect(merged.match(/inner = 2/g)).toHaveLength(1);
    expect(merged).not.toContain('[deprecated = true]');
    expect(merged.match(/string x = 3;/g)).toHaveLength(2);
  });
  it('appends new messages and adds imports once', () => {
    const merged = mergeProto(ORIGINAL, 'import "b.proto";\nmessage Fresh {\n  string x = 1;\n}\n', 'p');
    expect(merged).toMatch(/package a;\nimport "b.proto";/);
    expect(merged.match(/import/g)).toHaveLength(1);
    expect(merged).toMatch(/message Fresh \{/);
  });
  it('refuses a patch of what the original does not have', () => {
    expect(() => mergeProto(ORIGINAL, 'message Nope { // patch\n  string x = 1;\n}\n', 'p')).toThrow('Nope');
  });
});
