import { ToneGenerator } from '../../src/audio/tone';
import { dominantHz, snrDb, toneGaps } from '../support/spectrum';

function frames(generator: ToneGenerator, lengths: readonly number[]): Int16Array {
  return Int16Array.from(
    lengths.flatMap((length) => {
      const frame = new Int16Array(length);
      generator.fill(frame);
      return [...frame];
    }),
  );
}

test.each([
  [8_000, 610, 160],
  [24_000, 610, 480],
  [8_000, 3_333, 160],
])('at %d Hz a tone of %d Hz has that pitch and no seam between frames of %d', (rateHz, hz, length) => {
  const samples = frames(new ToneGenerator(rateHz, hz, -12), new Array<number>(50).fill(length));
  expect(Math.abs(dominantHz(samples, rateHz) - hz)).toBeLessThan(0.2);
  expect(toneGaps(samples, rateHz, hz)).toEqual([]);
  expect(snrDb(samples, rateHz, hz)).toBeGreaterThan(80);
});

test('the samples do not depend on how they are cut into frames', () => {
  const whole = frames(new ToneGenerator(8_000, 317, -6), [1_000]);
  expect(frames(new ToneGenerator(8_000, 317, -6), [1, 159, 0, 333, 507])).toEqual(whole);
});

test('after a reset it starts at a zero crossing again', () => {
  const generator = new ToneGenerator(8_000, 610, 0);
  const first = frames(generator, [77]);
  generator.reset();
  expect(frames(generator, [77])).toEqual(first);
  expect(first[0]).toBe(0);
});

test('full scale just fits into 16 bits', () => {
  const samples = frames(new ToneGenerator(8_000, 1_000, 0), [800]);
  expect(Math.max(...samples)).toBe(32_767);
  expect(Math.min(...samples)).toBe(-32_767);
});

test('a tone that cannot be is refused', () => {
  expect(() => new ToneGenerator(8_000, 4_000, -6)).toThrow('half the sample rate');
  expect(() => new ToneGenerator(8_000, 0, -6)).toThrow('half the sample rate');
  expect(() => new ToneGenerator(8_000, 600, 1)).toThrow('full scale');
});
