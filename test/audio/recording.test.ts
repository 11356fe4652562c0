import { loopAtBothRates } from '../../src/audio/recording';
import { ToneGenerator } from '../../src/audio/tone';
import { snrDb } from '../support/spectrum';

/** A second of whole periods: its end leads into its beginning. */
function second(rateHz: number): Int16Array {
  const samples = new Int16Array(rateHz);
  new ToneGenerator(rateHz, 880, -6).fill(samples);
  return samples;
}

describe.each([8_000, 24_000] as const)('a loop at %i Hz', (rateHz) => {
  test.each([8_000, 24_000] as const)('has no seam at %i Hz', (wantedHz) => {
    const loop = loopAtBothRates(second(rateHz), rateHz)[wantedHz];
    expect(loop).toHaveLength(wantedHz);
    const acrossTheSeam = Int16Array.from({ length: 800 }, (_, i) => loop[(i + loop.length - 400) % loop.length] ?? 0);
    expect(snrDb(acrossTheSeam, wantedHz, 880)).toBeGreaterThan(60);
  });

  test('may be shorter than the filter, and of any length', () => {
    const { 8_000: slow, 24_000: fast } = loopAtBothRates(Int16Array.of(900, 900, 900, 900), rateHz);
    expect([...slow, ...fast].every((sample) => Math.abs(sample - 900) < 3)).toBe(true);
  });
});
