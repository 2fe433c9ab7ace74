import { describe, expect, test } from 'vitest';
import { askAdmin } from '../../test/support/admin_request.ts';
import { FakeInstance } from '../../test/support/fake_instance.ts';

/** Two counters, a gauge nobody wrote, a text readout, a histogram with 200, 300, 300 and one without records. */
async function createInstance(): Promise<FakeInstance> {
  const instance = new FakeInstance();
  const { scope, registry, store } = instance.main;
  scope.counter('cluster.service1.upstream_rq_200').add(42);
  scope.counter('b.used').inc();
  scope.gauge('cluster.service1.upstream_cx_active');
  registry.textReadout('control_plane.identifier').set('say "hi"');
  const histogram = scope.histogram('h1', 'ms');
  for (const value of [200, 300, 300]) histogram.record(value);
  scope.histogram('h2', 'ms');
  store.announce();
  await registry.mergeHistograms();
  return instance;
}

const H1 = 'P0(200,200) P25(207.5,207.5) P50(302.5,302.5) P75(306.25,306.25) P90(308.5,308.5) P95(309.25,309.25) '
  + 'P99(309.85,309.85) P99.5(309.925,309.925) P99.9(309.985,309.985) P100(310,310)';

describe('/stats as text', () => {
  test('text readouts, then counters and gauges by name, then histograms', async () => {
    const { body, contentType } = await askAdmin(await createInstance(), '/stats');
    expect(contentType).toBe('text/plain; charset=UTF-8');
    expect(body).toBe(`control_plane.identifier: "say "hi""
b.used: 1
cluster.service1.upstream_cx_active: 0
cluster.service1.upstream_rq_200: 42
h1: ${H1}
h2: No recorded values
`);
  });

  test.each([
    ['usedonly', `control_plane.identifier: "say "hi""\nb.used: 1\ncluster.service1.upstream_rq_200: 42\nh1: ${H1}\n`],
    ['filter=upstream_rq', 'cluster.service1.upstream_rq_200: 42\n'],
    ['filter=%5Eb%5C.', 'b.used: 1\n'],
    ['filter=nothing', ''],
    ['type=Counters', 'b.used: 1\ncluster.service1.upstream_rq_200: 42\n'],
    ['type=Gauges', 'cluster.service1.upstream_cx_active: 0\n'],
    ['type=TextReadouts', 'control_plane.identifier: "say "hi""\n'],
    ['type=Histograms&histogram_buckets=summary&usedonly', `h1: ${H1}\n`],
    ['hidden=only', ''],
    ['hidden=include&filter=b.used', 'b.used: 1\n'],
  ])('?%s', async (query, expected) => {
    expect((await askAdmin(await createInstance(), `/stats?${query}`)).body).toBe(expected);
  });

  test('an interval without records is nan', async () => {
    const instance = await createInstance();
    await instance.main.registry.mergeHistograms();
    const { body } = await askAdmin(instance, '/stats?filter=h1');
    expect(body).toContain('h1: P0(nan,200) P25(nan,207.5)');
  });

  test('cumulative and disjoint buckets', async () => {
    const instance = await createInstance();
    const zeros = (bounds: readonly string[], counts: string) => bounds.map((bound) => `B${bound}(${counts})`).join(' ');
    const low = ['0.5', '1', '5', '10', '25', '50', '100'];
    const high = ['1000', '2500', '5000', '10000', '30000', '60000', '300000', '600000', '1.8e+06', '3.6e+06'];
    expect((await askAdmin(instance, '/stats?filter=h1&histogram_buckets=cumulative')).body)
      .toBe(`h1: ${zeros(low, '0,0')} B250(1,1) B500(3,3) ${zeros(high, '3,3')}\n`);
    expect((await askAdmin(instance, '/stats?filter=h1&histogram_buckets=disjoint')).body)
      .toBe(`h1: ${zeros(low, '0,0')} B250(1,1) B500(2,2) ${zeros(high, '0,0')}\n`);
  });

  test('detailed bins', async () => {
    expect((await askAdmin(await createInstance(), '/stats?filter=h&histogram_buckets=detailed')).body)
      .toBe(`h1:\n  totals=200,10:1, 300,10:2\n  intervals=200,10:1, 300,10:2\n  summary=${H1}\nh2: No recorded values\n`);
  });

  test.each([
    ['filter=*', 'Invalid re2 regex'],
    ['type=gauges', 'invalid &type= param'],
    ['format=xx', 'usage: /stats?format=(html|active-html|json|prometheus|text)\n\n'],
    ['histogram_buckets=foo', 'usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary)\n'],
    ['hidden=foo', 'usage: /stats?hidden=(include|only|exclude)\n\n'],
  ])('?%s is refused', async (query, expected) => {
    const { status, body } = await askAdmin(await createInstance(), `/stats?${query}`);
    expect([status, body]).toEqual([400, expected]);
  });

  test('with flush on admin, the numbers are those of this moment', async () => {
    const instance = await createInstance();
    instance.flushStatsOnAdmin = true;
    instance.main.scope.histogram('h2', 'ms').record(0);
    expect((await askAdmin(instance, '/stats?filter=h2')).body).toMatch(/^h2: P0\(0,0\)/);
    expect(instance.calls).toEqual(['flushStats']);
  });
});

describe('/stats as JSON', () => {
  test('compact, values as numbers, histograms last', async () => {
    const { body, contentType } = await askAdmin(await createInstance(), '/stats?format=json&usedonly');
    expect(contentType).toBe('application/json');
    expect(body.startsWith('{"stats":[{"name":"control_plane.identifier","value":"say \\"hi\\""},{"name":"b.used","value":1},'
      + '{"name":"cluster.service1.upstream_rq_200","value":42},{"histograms":{"supported_quantiles":[0,25,50,75,90,95,99,99.5,99.9,100],'
      + '"computed_quantiles":[{"name":"h1","values":[{"cumulative":200,"interval":200},{"cumulative":207.5,"interval":207.5},')).toBe(true);
    expect(body.endsWith('{"cumulative":310,"interval":310}]}]}}]}')).toBe(true);
  });

  test.each([
    ['filter=nothing', { stats: [] }],
    ['filter=b.used', { stats: [{ name: 'b.used', value: 1 }] }],
    ['filter=h1&histogram_buckets=detailed', { stats: [{ histograms: {
      supported_percentiles: [0, 25, 50, 75, 90, 95, 99, 99.5, 99.9, 100],
      details: [{
        name: 'h1',
        totals: [{ lower_bound: 200, width: 10, count: 1 }, { lower_bound: 300, width: 10, count: 2 }],
        intervals: [{ lower_bound: 200, width: 10, count: 1 }, { lower_bound: 300, width: 10, count: 2 }],
        percentiles: [200, 207.5, 302.5, 306.25, 308.5, 309.25, 309.85, 309.925, 309.985, 310].map((value) => ({ cumulative: value, interval: value })),
      }],
    } }] }],
  ])('?format=json&%s', async (query, expected) => {
    const { body } = await askAdmin(await createInstance(), `/stats?format=json&${query}`);
    expect(JSON.parse(body)).toEqual(expected);
  });

  test('a histogram without records has nulls; buckets come without a wrapper', async () => {
    const instance = await createInstance();
    expect((await askAdmin(instance, '/stats?format=json&filter=h2')).body).toContain('{"name":"h2","values":[{"cumulative":null,"interval":null},');
    expect((await askAdmin(instance, '/stats?format=json&filter=h1&histogram_buckets=cumulative')).body)
      .toMatch(/^{"stats":\[{"histograms":\[{"name":"h1","buckets":\[{"upper_bound":0\.5,"interval":0,"cumulative":0},/);
  });
});

describe('/stats as a page', () => {
  test('names cannot bring markup in', async () => {
    const instance = await createInstance();
    instance.main.scope.counter('<script>alert(1)</script>').inc();
    instance.main.store.announce();
    const { body, contentType } = await askAdmin(instance, '/stats?format=html&filter=script');
    expect(contentType).toBe('text/html; charset=UTF-8');
    expect(body).toContain('&lt;script&gt;alert(1)&lt;/script&gt;: 1\n');
    expect(body).not.toContain('<script');
  });
});

describe('/reset_counters', () => {
  test('counters count from 0 again', async () => {
    const instance = await createInstance();
    expect((await askAdmin(instance, '/reset_counters')).body).toBe('OK\n');
    expect((await askAdmin(instance, '/stats?type=Counters')).body).toBe('b.used: 0\ncluster.service1.upstream_rq_200: 0\n');
  });
});
