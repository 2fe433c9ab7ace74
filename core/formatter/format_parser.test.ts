import { describe, expect, it } from 'vitest';
import { testStream } from '../../test/support/log_context.ts';
import { parseFormatString } from './format_parser.ts';
import { compileText } from './formatter.ts';
import { operatorNames } from './operators.ts';

function mistakes(format: string): string[] {
  const found: string[] = [];
  compileText(format, false, testStream().environment, (text) => found.push(text));
  return found;
}

describe('parsing a format', () => {
  it('splits literals, operators, arguments and lengths', () => {
    const tokens = parseFormatString('a %REQ(X?Y):5% %% b%START_TIME(%s%%3f (x))%', () => {});
    expect(tokens).toEqual([
      { kind: 'literal', text: 'a ' },
      { kind: 'operator', name: 'REQ', args: 'X?Y', maxLength: 5, position: 2 },
      { kind: 'literal', text: ' % b' },
      { kind: 'operator', name: 'START_TIME', args: '%s%%3f (x)', maxLength: -1, position: 19 },
    ]);
  });

  it('accepts every operator in its simplest form', () => {
    const simplest: Readonly<Record<string, string>> = {
      COMMON_DURATION: '(DS_RX_BEG:DS_TX_END)', METADATA: '(ROUTE:a:b)', XFCC_VALUE: '(uri)', COALESCE: '({"operators":["PROTOCOL"]})',
    };
    for (const name of operatorNames()) {
      const plain = mistakes(`%${name}%`);
      const withArgs = mistakes(`%${name}${simplest[name] ?? '(X)'}%`);
      expect([name, plain.length === 0 || withArgs.length === 0]).toEqual([name, true]);
    }
  });

  const bad: readonly (readonly [string, string])[] = [
    ['a%', 'a percent sign begins no operator at position 1'],
    ['%%%', 'a percent sign begins no operator at position 2'],
    ['%REQ(X)%%', 'a percent sign begins no operator at position 8'],
    ['%req(x)%', 'operator names are upper case: %req at position 0'],
    ['% REQ(X)%', 'a percent sign begins no operator at position 0'],
    ['%REQ(X', 'a parenthesis is not closed at position 0'],
    ['%REQ(X):a%', 'a percent sign begins no operator at position 0'],
    ['%REQ(X):-1%', 'a percent sign begins no operator at position 0'],
    ['x %RESPONSE_COD%', 'unknown operator %RESPONSE_COD% at position 2; did you mean %RESPONSE_CODE%'],
    ['%UPSTREAM_HOSTNAME%', 'did you mean %UPSTREAM_HOST_NAME%'],
    ['%_%', 'unknown operator %_%'],
    ['%REQ%', '%REQ% at position 0 needs arguments: %REQ(...)%'],
    ['%REQ()%', '%REQ% at position 0 needs arguments'],
    ['%DURATION(X)%', '%DURATION% at position 0 takes no arguments, but has (X)'],
    ['%DURATION:3%', '%DURATION% at position 0 cannot be given a maximum length, but has :3'],
    ['%START_TIME(%s):3%', 'cannot be given a maximum length'],
    ['%REQ(a?b?c)%', 'more than one alternative header'],
    ['%REQ(a b)%', '"a b" is not a header name'],
    ['%PATH(X)%', '"X" is none of WQ (with query), NQ (without)'],
    ['%PATH(WQ:NOPE)%', '"NOPE" is none of ORIG, PATH, ORIG_OR_PATH'],
    ['%GRPC_STATUS(number)%', '"number" is none of CAMEL_STRING, SNAKE_STRING, NUMBER'],
    ['%COMMON_DURATION(X)%', 'expected (START:END) or (START:END:PRECISION)'],
    ['%COMMON_DURATION(DS_RX_BEG:DS_TX_END:s)%', '"s" is no precision; expected ms, us or ns'],
    ['%START_TIME(%Y%n)%', 'a time format must not contain a line break'],
    ['%METADATA(NOPE:x)%', '"NOPE" is none of DYNAMIC, CLUSTER, ROUTE'],
    ['%FILTER_STATE(k:NOPE)%', '"NOPE" is none of PLAIN, TYPED, FIELD'],
    ['%FILTER_STATE(k:FIELD)%', 'FIELD needs a name'],
    ['%REQUESTED_SERVER_NAME(X)%', '"X" is none of SNI_ONLY, SNI_FIRST, HOST_FIRST'],
    ['%XFCC_VALUE(x)%', '"x" is none of by, hash'],
    ['%CEL(request.path ==)%', 'Not able to parse expression'],
    ['%TYPED_CEL(nope(1))%', 'No overload found in reference resolve step for nope'],
    ['%CEL()%', '%CEL% at position 0 needs arguments'],
    ['%COALESCE(X)%', 'the arguments are not valid JSON'],
    ['%COALESCE({"operators":["NOPE"]})%', 'operators[0]: unknown operator %NOPE%'],
  ];
  it.each(bad)('refuses %s', (format, expected) => {
    const found = mistakes(format);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(expected);
  });

  it('reports every mistake of a format, not only the first', () => {
    expect(mistakes('%FOO% %REQ% 50%')).toHaveLength(3);
  });
});
