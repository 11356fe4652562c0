import { amplitudeOf, levelDbfs, silenceDbfs, toneLevel } from '../../src/audio/level';
import { ToneGenerator } from '../../src/audio/tone';

function tone(rateHz: number, hz: number, dbfs: number, count: number): Int16Array {
  const frame = new Int16Array(count);
  new ToneGenerator(rateHz, hz, dbfs).fill(frame);
  return frame;
}

describe('levelDbfs', () => {
  test.each([0, -6, -20, -40])('a tone made at %d dBFS is read as that', (dbfs) => {
    expect(levelDbfs(tone(8_000, 1_000, dbfs, 160))).toBeCloseTo(dbfs, 1);
    expect(levelDbfs(tone(24_000, 1_000, dbfs, 480))).toBeCloseTo(dbfs, 1);
  });

  test('a full-scale square wave is 3 dB above a full-scale sine', () => {
    const square = Int16Array.from({ length: 160 }, (_, i) => (i % 2 === 0 ? 32_767 : -32_767));
    expect(levelDbfs(square)).toBeCloseTo(3.01, 2);
  });

  test('digital silence and an empty frame have a finite level, the lowest there is', () => {
    expect(levelDbfs(new Int16Array(160))).toBe(silenceDbfs);
    expect(levelDbfs(new Int16Array(0))).toBe(silenceDbfs);
    expect(levelDbfs(new Int16Array(160).fill(1))).toBeGreaterThan(silenceDbfs);
  });
});

describe('toneLevel', () => {
  test('reads the level of the tone that is there and little at others', () => {
    const frame = tone(8_000, 600, -12, 160);
    expect(toneLevel(frame, 8_000, 600)).toBeCloseTo(-12, 1);
    expect(toneLevel(frame, 8_000, 1_000)).toBeLessThan(-12 - 40);
    expect(toneLevel(tone(24_000, 600, -12, 480), 24_000, 600)).toBeCloseTo(-12, 1);
  });

  test('tells apart two tones in one frame', () => {
    const low = tone(8_000, 700, -10, 160);
    const both = tone(8_000, 1_200, -30, 160).map((sample, i) => sample + low[i]!);
    expect(toneLevel(both, 8_000, 700)).toBeCloseTo(-10, 1);
    expect(toneLevel(both, 8_000, 1_200)).toBeCloseTo(-30, 0);
  });

  test('silence and an empty frame have the lowest level', () => {
    expect(toneLevel(new Int16Array(160), 8_000, 600)).toBe(silenceDbfs);
    expect(toneLevel(new Int16Array(0), 8_000, 600)).toBe(silenceDbfs);
  });
});

test('amplitudeOf halves every 6.02 dB', () => {
  expect(amplitudeOf(0)).toBe(32_767);
  expect(amplitudeOf(-6.0206)).toBeCloseTo(32_767 / 2, 0);
});
