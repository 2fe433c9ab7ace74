import { describe, expect, it } from 'vitest';
import { headersOf, SCENARIOS, type Scenario } from '../macro/scenarios.ts';
import { faultsOf, formatLoadResult, type LoadResult, parseLoadResult, wrkScript } from './load.ts';

const GOOD: LoadResult = {
  requests: 1000, seconds: 1, bytes: 1_300_000, non2xx: 0, socketErrors: 0, p50Us: 600, p99Us: 900, maxUs: 2000,
};

function scenario(name: string): Scenario {
  const found = SCENARIOS.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no scenario ${name}`);
  return found;
}

describe('parseLoadResult', () => {
  it("finds the result line among wrk's own output", () => {
    const output = `Running 3s test @ http://127.0.0.1:1/\n  1 threads and 64 connections\n${formatLoadResult(GOOD)}\n`;
    expect(parseLoadResult(output)).toEqual(GOOD);
  });
  it('shows the end of the output when there is no result line', () => {
    expect(() => parseLoadResult('unable to connect to 127.0.0.1:1 Connection refused')).toThrow(/Connection refused/);
  });
  it('refuses a result that lacks a number', () => {
    expect(() => parseLoadResult('BENCH-RESULT {"requests":1}')).toThrow(/has no seconds/);
  });
});

describe('faultsOf', () => {
  it('finds nothing wrong with whole 2xx responses', () => {
    expect(faultsOf(scenario('get1k'), GOOD)).toEqual([]);
  });
  it.each([
    ['no request at all', { requests: 0 }, /no request/],
    ['a response that was not 2xx', { non2xx: 1 }, /not 2xx/],
    ['a socket error', { socketErrors: 2 }, /socket errors/],
    ['bodies that were cut', { bytes: 1000 * 1024 - 1 }, /cut/],
    ['bodies that were too long', { bytes: 10_000_000 }, /too many/],
  ])('reports %s', (_name, change, message) => {
    expect(faultsOf(scenario('get1k'), { ...GOOD, ...change }).join()).toMatch(message);
  });
  it('allows a partial last response on every connection', () => {
    const big = scenario('body1m');
    const bytes = 100 * (big.responseBytes + 300) + 64 * 1_000_000;
    expect(faultsOf(big, { ...GOOD, requests: 100, bytes })).toEqual([]);
  });
});

describe('wrkScript', () => {
  it('spells the request out, header by header, in order', () => {
    const script = wrkScript(scenario('get1k'));
    expect(script).toContain('"GET /api/v1/1k HTTP/1.1\\r\\nHost: www.example.com\\r\\nUser-Agent: ');
    expect(script).toContain('Connection: keep-alive\\r\\n\\r\\n"');
  });
  it('sends a body of the announced length with a POST', () => {
    const match = /Content-Length: 1024\\r\\n\\r\\n([a-z]*)"/.exec(wrkScript(scenario('post1k')));
    expect(match?.[1]?.length).toBe(1024);
  });
  it('leaves wrk in its static mode: no request function', () => {
    expect(wrkScript(scenario('get1k'))).not.toMatch(/\brequest\s*=/);
  });
});

describe('the request header set', () => {
  it('has about eight headers and no x-request-id', () => {
    const names = headersOf(scenario('get1k')).map(([name]) => name.toLowerCase());
    expect(names).toHaveLength(8);
    expect(names).not.toContain('x-request-id');
  });
  it('asks to close in the churn scenario', () => {
    expect(headersOf(scenario('churn'))).toContainEqual(['Connection', 'close']);
  });
});
