import { describe, expect, test } from 'vitest';
import { askAdmin } from '../../test/support/admin_request.ts';
import { FakeInstance } from '../../test/support/fake_instance.ts';

describe('/explain', () => {
  test('asks the instance with what the query says', async () => {
    const instance = new FakeInstance();
    const { status, body } = await askAdmin(instance, '/explain?method=PUT&url=http://a/b%3Fc&header=x:%201&header=y:2&data_size=5&source_ip=10.0.0.1&listener=l&internal&random=7&all');
    expect([status, body]).toEqual([200, 'forwarded\n']);
    expect(instance.calls).toEqual([`explain ${JSON.stringify({
      method: 'PUT', url: 'http://a/b?c', headers: ['x: 1', 'y:2'], bodyBytes: 5, random: 7, sourceIp: '10.0.0.1', listener: 'l', isInternal: true, showsAll: true, isJson: false,
    })}`]);
  });

  test('JSON, and what is wrong with a question', async () => {
    const { body, contentType } = await askAdmin(new FakeInstance(), '/explain?url=/&format=json');
    expect([contentType, JSON.parse(body)]).toEqual(['application/json', { verdict: { kind: 'forwarded' } }]);
    expect(await askAdmin(new FakeInstance(), '/explain')).toMatchObject({ status: 400, body: 'a URL is wanted\n' });
    expect(await askAdmin(new FakeInstance(), '/explain?url=/&random=x')).toMatchObject({ status: 400 });
  });
});
