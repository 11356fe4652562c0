import { decodeG711, encodeG711 } from '../../src/audio/g711';
import { seededRandom } from '../../src/runtime/random';
import { dominantHz, fitSine, levelDb, snrDb, toneGaps } from './spectrum';

function tone(options: { rateHz: number; hz: number; ms: number; amplitude?: number; phase?: number }): Int16Array {
  const { rateHz, hz, ms, amplitude = 8_000, phase = 0 } = options;
  return Int16Array.from({ length: (rateHz * ms) / 1_000 }, (_, i) =>
    Math.round(amplitude * Math.sin((2 * Math.PI * hz * i) / rateHz + phase)),
  );
}

function joined(...parts: Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => [...part]));
}

function throughG711(samples: Int16Array): Int16Array {
  const octets = new Uint8Array(samples.length);
  const heard = new Int16Array(samples.length);
  encodeG711('pcmu', samples, octets);
  decodeG711('pcmu', octets, heard);
  return heard;
}

describe('dominantHz', () => {
  test.each([50, 440, 610, 1_004, 3_400])('finds a tone of %d Hz in 200 ms to within 0.5 Hz', (hz) => {
    expect(Math.abs(dominantHz(tone({ rateHz: 8_000, hz, ms: 200, phase: 1 }), 8_000) - hz)).toBeLessThan(0.5);
    expect(Math.abs(dominantHz(tone({ rateHz: 24_000, hz, ms: 200, phase: 2 }), 24_000) - hz)).toBeLessThan(0.5);
  });

  test('names the stronger of two tones', () => {
    const weak = tone({ rateHz: 8_000, hz: 440, ms: 100, amplitude: 3_000 });
    const strong = tone({ rateHz: 8_000, hz: 610, ms: 100, amplitude: 6_000 });
    const both = strong.map((sample, i) => sample + weak[i]!);
    expect(Math.round(dominantHz(both, 8_000))).toBe(610);
  });

  test('is 0 for silence', () => {
    expect(dominantHz(new Int16Array(1_600), 8_000)).toBe(0);
  });
});

describe('fitSine and snrDb', () => {
  test('recover amplitude and phase, whatever the offset', () => {
    const samples = tone({ rateHz: 8_000, hz: 305, ms: 100, amplitude: 5_000, phase: 0.7 }).map((s) => s + 900);
    const fit = fitSine(samples, 8_000, 305);
    expect(fit.amplitude).toBeCloseTo(5_000, 0);
    expect(fit.phase).toBeCloseTo(0.7, 3);
    expect(fit.residualPeak).toBeLessThan(1);
  });

  test('a tone with white noise of known power has the signal-to-noise ratio of that power', () => {
    const random = seededRandom(1);
    const samples = tone({ rateHz: 8_000, hz: 1_004, ms: 1_000 });
    const noisy = samples.map((sample) => Math.round(sample + 800 * (random.fraction() - 0.5)));
    const expectedDb = 20 * Math.log10(8_000 / Math.SQRT2 / (800 / Math.sqrt(12)));
    expect(Math.abs(snrDb(noisy, 8_000, 1_004) - expectedDb)).toBeLessThan(0.3);
  });

  test('PCMU leaves a tone some 38 dB above its noise', () => {
    const db = snrDb(throughG711(tone({ rateHz: 8_000, hz: 1_004, ms: 1_000 })), 8_000, 1_004);
    expect(db).toBeGreaterThan(36);
    expect(db).toBeLessThan(41);
  });
});

describe('levelDb', () => {
  test('reads a weak tone beside a strong one', () => {
    const strong = tone({ rateHz: 8_000, hz: 1_000, ms: 500, amplitude: 16_000 });
    const weak = tone({ rateHz: 8_000, hz: 1_500, ms: 500, amplitude: 16 });
    const both = strong.map((sample, i) => sample + weak[i]!);
    expect(levelDb(both, 8_000, 1_000)).toBeCloseTo(20 * Math.log10(16_000 / 32_768), 1);
    expect(Math.abs(levelDb(both, 8_000, 1_500) - 20 * Math.log10(16 / 32_768))).toBeLessThan(0.5);
  });
});

describe.each([
  { rateHz: 8_000, hz: 610, line: 'linear', pass: (samples: Int16Array) => samples },
  { rateHz: 8_000, hz: 610, line: 'PCMU', pass: throughG711 },
  { rateHz: 8_000, hz: 317, line: 'PCMU', pass: throughG711 },
  { rateHz: 24_000, hz: 610, line: 'linear', pass: (samples: Int16Array) => samples },
])('toneGaps at $rateHz Hz, $hz Hz, $line', ({ rateHz, hz, pass }) => {
  const frame = rateHz / 50;
  const whole = tone({ rateHz, hz, ms: 1_000, phase: 0.3 });
  const gapsIn = (samples: Int16Array) => toneGaps(pass(samples), rateHz, hz);
  const near = (atSample: number, expected: number) => Math.abs(atSample - expected) <= rateHz * 0.007;

  test('an unbroken tone has none', () => {
    expect(gapsIn(whole)).toEqual([]);
  });

  test('silence before and after the tone is none', () => {
    expect(gapsIn(joined(new Int16Array(frame * 70), whole, new Int16Array(frame * 70)))).toEqual([]);
  });

  test('a quiet tone has none', () => {
    expect(gapsIn(tone({ rateHz, hz, ms: 1_000, amplitude: 300 }))).toEqual([]);
  });

  test('a lost frame is one', () => {
    const gaps = gapsIn(joined(whole.subarray(0, 10 * frame), whole.subarray(11 * frame)));
    expect(gaps).toHaveLength(1);
    expect(near(gaps[0]!.atSample, 10 * frame)).toBe(true);
  });

  test('a repeated frame is one', () => {
    const gaps = gapsIn(joined(whole.subarray(0, 11 * frame), whole.subarray(10 * frame)));
    expect(gaps).toHaveLength(1);
    expect(near(gaps[0]!.atSample, 11 * frame)).toBe(true);
  });

  test('a silent frame is one', () => {
    const gaps = gapsIn(joined(whole.subarray(0, 10 * frame), new Int16Array(frame), whole.subarray(11 * frame)));
    expect(gaps).toHaveLength(1);
  });

  test('three samples that went missing are one', () => {
    expect(gapsIn(joined(whole.subarray(0, 3_000), whole.subarray(3_003)))).toHaveLength(1);
  });

  test('a click of one sample is one', () => {
    const clicked = whole.slice();
    clicked[4_000] = clicked[4_000]! + 4_000;
    const gaps = gapsIn(clicked);
    expect(gaps).toHaveLength(1);
    expect(gaps[0]!.kind).toBe('click');
    expect(near(gaps[0]!.atSample, 4_000)).toBe(true);
  });

  test('a stretch at another level is one', () => {
    const louder = whole.map((sample, i) => (i >= 3_000 && i < 5_000 ? sample * 1.5 : sample));
    expect(gapsIn(louder)).toHaveLength(1);
  });

  test('separate breaks are counted one by one', () => {
    const lossy = joined(...[0, 10, 20, 30, 40].map((at) => whole.subarray(at * frame, (at + 9) * frame)));
    expect(gapsIn(lossy)).toHaveLength(4);
  });
});
