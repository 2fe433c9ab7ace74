import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.ts';

describe('parseOptions', () => {
  it('measures everything that is present by default', () => {
    expect(parseOptions([])).toMatchObject({ mode: 'macro', scenarios: [], peers: [], seconds: 8, runs: 3, jsonPath: undefined });
  });
  it('takes lists and numbers, with a space or an equals sign', () => {
    const options = parseOptions(['--scenario', 'get1k,churn', '--peer=envoyts,@fastify/http-proxy', '--seconds=3', '--runs', '5']);
    expect(options).toMatchObject({ scenarios: ['get1k', 'churn'], peers: ['envoyts', '@fastify/http-proxy'], seconds: 3, runs: 5 });
  });
  it.each([
    [['--frequency', '3'], /unknown option --frequency/],
    [['--seconds', '0'], /whole number/],
    [['--seconds'], /needs a value/],
    [['--driver', 'ab'], /one of auto, autocannon/],
    [['--idle', '--syscalls'], /exclude/],
  ])('refuses %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(message);
  });
});
