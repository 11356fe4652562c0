import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { SampleRateHz } from '../../src/audio/pcm';
import {
  convertRecording,
  createRateConverter,
  Downsampler,
  Upsampler,
  type RateConverter,
} from '../../src/audio/resampler';
import { seededRandom } from '../../src/runtime/random';
import { fitSine, levelDb, snrDb } from '../support/spectrum';

const fullScale = 32_767;
/** -1 dBFS, as in most published figures. */
const loud = fullScale * 10 ** (-1 / 20);

const up = { create: () => new Upsampler(), fromHz: 8_000, toHz: 24_000 } as const;
const down = { create: () => new Downsampler(), fromHz: 24_000, toHz: 8_000 } as const;
type Direction = typeof up | typeof down;
const directions = [
  ['up', up],
  ['down', down],
] as const;

function tone(rateHz: number, hz: number, count: number, amplitude = loud): Int16Array {
  return Int16Array.from({ length: count }, (_, i) =>
    Math.round(amplitude * Math.sin((2 * Math.PI * hz * i) / rateHz)),
  );
}

function noise(count: number, peak = 30_000): Int16Array {
  const random = seededRandom(7);
  return Int16Array.from({ length: count }, () => Math.round(peak * (2 * random.fraction() - 1)));
}

/** Runs the input through in chunks of the given lengths, over and over. */
function converted(converter: RateConverter, input: Int16Array, chunkLengths: readonly number[]): Int16Array {
  const output: number[] = [];
  const chunk = new Int16Array(input.length * 3 + 3);
  for (let from = 0, turn = 0; from < input.length; turn += 1) {
    const until = from + chunkLengths[turn % chunkLengths.length]!;
    const written = converter.process(input.subarray(from, until), chunk);
    output.push(...chunk.subarray(0, written));
    from = until;
  }
  return Int16Array.from(output);
}

/** A second of tone in 20 ms chunks; only the second half, where the start is forgotten. */
function settled({ create, fromHz, toHz }: Direction, hz: number, amplitude = loud): Int16Array {
  const output = converted(create(), tone(fromHz, hz, fromHz, amplitude), [fromHz / 50]);
  return output.subarray(toHz / 2);
}

function gainDb(direction: Direction, hz: number): number {
  return 20 * Math.log10(fitSine(settled(direction, hz), direction.toHz, hz).amplitude / loud);
}

const passBandHz = [300, 500, 800, 1_004, 1_300, 1_700, 2_100, 2_500, 2_900, 3_200, 3_300, 3_400];

describe.each(directions)('%ssampling', (_name, direction) => {
  test('the telephone band comes through flat within 0.01 dB', () => {
    const gains = passBandHz.map((hz) => gainDb(direction, hz));
    expect(Math.max(...gains) - Math.min(...gains)).toBeLessThan(0.01);
    expect(Math.max(...gains.map(Math.abs))).toBeLessThan(0.01);
  });

  test('a loud tone keeps a signal-to-noise ratio above 90 dB', () => {
    expect(snrDb(settled(direction, 1_004), direction.toHz, 1_004)).toBeGreaterThan(90);
  });

  test('the output is the same sample for sample, however the stream is cut into chunks', () => {
    const input = noise(direction.fromHz);
    const whole = converted(direction.create(), input, [input.length]);
    expect(converted(direction.create(), input, [direction.fromHz / 50])).toEqual(whole);
    expect(converted(direction.create(), input, [1])).toEqual(whole);
    expect(converted(direction.create(), input, [7, 1, 161, 2, 0, 480, 5, 1_000])).toEqual(whole);
  });

  test('an impulse comes out after the stated delay', () => {
    const input = new Int16Array(direction.fromHz / 10);
    // A pulse as wide as the slower rate can carry, so that its middle can be told between two samples.
    const atMs = 50;
    for (let i = 0; i < input.length; i += 1) {
      const offMs = (i * 1_000) / direction.fromHz - atMs;
      input[i] = Math.round(20_000 * Math.exp(-((offMs / 0.4) ** 2)));
    }
    const converter = direction.create();
    const output = converted(converter, input, [direction.fromHz / 50]);
    const weight = output.reduce((sum, sample) => sum + sample, 0);
    const middle = output.reduce((sum, sample, i) => sum + sample * i, 0) / weight;
    expect((middle * 1_000) / direction.toHz - atMs).toBeCloseTo(converter.delayMs, 2);
    expect(converter.delayMs).toBeLessThanOrEqual(1.96);
  });

  test('what is too loud is clipped, never wrapped around', () => {
    const square = Int16Array.from({ length: direction.fromHz }, (_, i) =>
      Math.floor((i * 400) / direction.fromHz) % 2 === 0 ? 32_767 : -32_768,
    );
    const output = converted(direction.create(), square, [direction.fromHz / 50]).subarray(direction.toHz / 100);
    expect(Math.max(...output)).toBe(32_767);
    expect(Math.min(...output)).toBe(-32_768);
    // A wrapped sample turns a swing at the rail into one of twice the height from one sample to the next.
    const steepest = output.slice(1).reduce((most, sample, i) => Math.max(most, Math.abs(sample - output[i]!)), 0);
    expect(steepest).toBeLessThan(direction === up ? 40_000 : 64_000);
  });

  test('silence stays silence, and after a reset the past is forgotten', () => {
    const converter = direction.create();
    const chunk = new Int16Array(1_500);
    converter.process(noise(500), chunk);
    converter.reset();
    const written = converter.process(new Int16Array(480), chunk);
    expect(written).toBe(direction === up ? 1_440 : 160);
    expect(chunk.subarray(0, written).every((sample) => sample === 0)).toBe(true);
  });

  test('an output that is too short is refused', () => {
    expect(() => direction.create().process(new Int16Array(480), new Int16Array(159))).toThrow('too short');
  });
});

test('no image of the telephone band is left within 77 dB after upsampling', () => {
  const worst = passBandHz.flatMap((hz) => {
    const output = settled(up, hz);
    return [8_000 - hz, 8_000 + hz].map((imageHz) => levelDb(output, 24_000, imageHz));
  });
  expect(Math.max(...worst)).toBeLessThan(-1 - 77);
});

test('no tone from 4600 Hz up leaves an alias within 77 dB after downsampling', () => {
  const aliases = [4_600, 4_700, 5_000, 6_100, 7_000, 7_900, 8_100, 9_000, 10_500, 11_300, 11_900].map((hz) => {
    const foldedHz = Math.abs(hz - 8_000 * Math.round(hz / 8_000));
    return levelDb(settled(down, hz), 8_000, foldedHz);
  });
  expect(Math.max(...aliases)).toBeLessThan(-1 - 77);
});

test('nothing is withheld: three samples up for each one, one down for every third', () => {
  const output = new Int16Array(1_440);
  expect(new Upsampler().process(new Int16Array(160), output)).toBe(480);
  expect(new Upsampler().process(new Int16Array(1), output)).toBe(3);
  const downsampler = new Downsampler();
  expect([1, 1, 1, 4, 1, 1, 0, 480].map((count) => downsampler.process(new Int16Array(count), output))).toEqual([
    0, 0, 1, 1, 0, 1, 0, 160,
  ]);
});

test.each(directions)(
  '%ssampling rounds to the nearest: a whisper is neither raised nor thinned',
  (_name, direction) => {
    const whisper = noise(direction.fromHz, 24);
    const thousandfold = whisper.map((sample) => sample * 1_000);
    const rounded = converted(direction.create(), whisper, [480]);
    const exact = [...converted(direction.create(), thousandfold, [480])].map((sample) => sample / 1_000);
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs(mean(exact.map((value, i) => rounded[i]! - value)))).toBeLessThan(0.02);
    expect(Math.abs(mean(exact.map((value, i) => Math.sign(value) * (rounded[i]! - value))))).toBeLessThan(0.02);
  },
);

test('up and down again is the same speech, later', () => {
  const input = tone(8_000, 1_004, 8_000);
  const there = new Upsampler();
  const back = new Downsampler();
  const output = converted(back, converted(there, input, [160]), [480]);
  const delay = ((there.delayMs + back.delayMs) * 8_000) / 1_000;
  const fit = fitSine(output.subarray(4_000), 8_000, 1_004);
  const expectedPhase = (2 * Math.PI * 1_004 * (4_000 - delay)) / 8_000;
  expect(Math.sin(fit.phase - expectedPhase)).toBeCloseTo(0, 3);
  expect(Math.cos(fit.phase - expectedPhase)).toBeCloseTo(1, 3);
});

test.each<[SampleRateHz, SampleRateHz, number]>([
  [8_000, 8_000, 160],
  [24_000, 24_000, 160],
  [8_000, 24_000, 480],
  [24_000, 8_000, 53],
])('the converter from %d to %d Hz makes %d samples of 160', (fromHz, toHz, count) => {
  expect(createRateConverter(fromHz, toHz).process(new Int16Array(160), new Int16Array(480))).toBe(count);
});

test('between equal rates samples are copied at once', () => {
  const converter = createRateConverter(8_000, 8_000);
  const output = new Int16Array(160);
  converter.process(noise(160), output);
  converter.reset();
  expect(output).toEqual(noise(160));
  expect(converter.delayMs).toBe(0);
});

describe('convertRecording', () => {
  test.each<[SampleRateHz, SampleRateHz]>([
    [8_000, 24_000],
    [24_000, 8_000],
  ])('from %d to %d Hz every sound stays where it was, to the very end', (fromHz, toHz) => {
    const output = convertRecording(tone(fromHz, 400, fromHz / 10, 8_000), fromHz, toHz);
    const wanted = tone(toHz, 400, toHz / 10, 8_000);
    expect(output.length).toBe(wanted.length);
    // The last sounds ring against the silence after the end: 2 ms.
    const settledCount = output.length - toHz / 500;
    const worst = output
      .subarray(toHz / 500, settledCount)
      .reduce((most, sample, i) => Math.max(most, Math.abs(sample - wanted[i + toHz / 500]!)), 0);
    expect(worst).toBeLessThan(20);
  });

  test('keeps the length of any recording, rounded up to a whole sample', () => {
    expect(convertRecording(new Int16Array(0), 8_000, 24_000).length).toBe(0);
    expect(convertRecording(new Int16Array(1), 8_000, 24_000).length).toBe(3);
    expect(convertRecording(new Int16Array(1), 24_000, 8_000).length).toBe(1);
    expect(convertRecording(new Int16Array(481), 24_000, 8_000).length).toBe(161);
  });

  test('at an equal rate is a copy', () => {
    const samples = noise(161);
    const copy = convertRecording(samples, 8_000, 8_000);
    expect(copy).toEqual(samples);
    expect(copy).not.toBe(samples);
  });
});

test('the table of coefficients is the one that scripts/design-filter.mjs designs', () => {
  const script = join(__dirname, '../../scripts/design-filter.mjs');
  expect(() => execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' })).not.toThrow();
});
