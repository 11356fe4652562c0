import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { NonceKeeper } from '../../src/sip-server/nonce-keeper';

const lifeMs = 60_000;
const address = '192.0.2.1';

function createKeeper(seed = 1) {
  const clock = new VirtualClock();
  return { clock, keeper: new NonceKeeper({ clock, random: seededRandom(seed), lifeMs }) };
}

test('a nonce is valid until its life is over', () => {
  const { clock, keeper } = createKeeper();
  const nonce = keeper.make(address);

  clock.advance(lifeMs);
  expect(keeper.check(nonce, address)).toBe('valid');
  clock.advance(1);
  expect(keeper.check(nonce, address)).toBe('stale');
});

test('a nonce is of no use from another address, to another server and when a single character is changed', () => {
  const { keeper } = createKeeper();
  const nonce = keeper.make(address);

  expect(keeper.check(nonce, '192.0.2.2')).toBe('stale');
  expect(createKeeper(2).keeper.check(nonce, address)).toBe('stale');
  for (let at = 0; at < nonce.length; at += 1) {
    const changed = nonce.slice(0, at) + (nonce.charAt(at) === 'A' ? 'B' : 'A') + nonce.slice(at + 1);
    expect(keeper.check(changed, address)).toBe('stale');
  }
});

test.each(['', 'x', '='.repeat(38), 'A'.repeat(38), 'é'.repeat(38), 'A'.repeat(4_000)])(
  'the text %j is no nonce',
  (text) => {
    expect(createKeeper().keeper.check(text, address)).toBe('stale');
  },
);

test('the count of a nonce must grow', () => {
  const { keeper } = createKeeper();
  const nonce = keeper.make(address);

  expect([1, 2, 2, 1, 5, 4].map((count) => keeper.use(nonce, count))).toEqual([true, true, false, false, true, false]);
  expect(keeper.use(keeper.make(address), 0)).toBe(false);
});

test('a nonce whose count was forgotten for want of room is stale, and so are those before it', () => {
  const { clock, keeper } = createKeeper();
  const early = keeper.make(address);
  clock.advance(1);
  const first = keeper.make(address);
  keeper.use(first, 1);
  clock.advance(1);

  for (let i = 0; i < 20_000; i += 1) keeper.use(keeper.make(address), 1);

  expect(keeper.check(first, address)).toBe('stale');
  expect(keeper.check(early, address)).toBe('stale');
  expect(keeper.check(keeper.make(address), address)).toBe('valid');
});
