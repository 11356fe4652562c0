import { mix } from '../../src/audio/mix';

test('two voices are added, and what is too loud is cut off rather than wrapped', () => {
  const out = new Int16Array(4);
  mix(Int16Array.of(1, -5, 30_000, -30_000), Int16Array.of(2, 3, 10_000, -10_000), out);
  expect([...out]).toEqual([3, -2, 32_767, -32_768]);
});
