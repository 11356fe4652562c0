import { VirtualClock } from '../../src/runtime/virtual-clock';
import { HostCache } from '../../src/sip-server/host-cache';

function createCache(answers: Record<string, string[]>) {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const cache = new HostCache(clock, (host) => {
    asked.push(host);
    const found = answers[host];
    return found === undefined ? Promise.reject(new Error('no such host')) : Promise.resolve(found);
  });
  const told: (readonly string[])[] = [];
  return { clock, cache, asked, told, tell: (addresses: readonly string[]) => void told.push(addresses) };
}

test('many who ask at once are answered in order by one look-up', async () => {
  const { clock, cache, asked, told, tell } = createCache({ pbx: ['127.0.0.9'] });
  const order: number[] = [];

  for (const number of [1, 2, 3]) {
    cache.lookUp('pbx', (addresses) => {
      order.push(number);
      tell(addresses);
    });
  }
  await clock.advanceAsync(0);

  expect(asked).toEqual(['pbx']);
  expect(order).toEqual([1, 2, 3]);
  expect(told).toEqual([['127.0.0.9'], ['127.0.0.9'], ['127.0.0.9']]);
});

test('what is known is told at once for a minute, then asked for again', async () => {
  const { clock, cache, asked, told, tell } = createCache({ pbx: ['127.0.0.9'] });
  cache.lookUp('pbx', tell);
  await clock.advanceAsync(59_999);

  cache.lookUp('pbx', tell);
  expect(told).toHaveLength(2);
  await clock.advanceAsync(1);
  cache.lookUp('pbx', tell);

  expect(asked).toEqual(['pbx', 'pbx']);
});

test('a name that does not resolve is not asked for again at once', async () => {
  const { clock, cache, asked, told, tell } = createCache({});
  cache.lookUp('nowhere', tell);
  await clock.advanceAsync(4_999);
  cache.lookUp('nowhere', tell);

  expect(told).toEqual([[], []]);
  await clock.advanceAsync(1);
  cache.lookUp('nowhere', tell);
  expect(asked).toHaveLength(2);
});
