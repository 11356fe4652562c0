import { Concealment } from '../../src/audio/concealment';
import { levelDbfs } from '../../src/audio/level';
import { seededRandom } from '../../src/runtime/random';

const frameLength = 160;

/** A steady vowel: a fundamental with the given period in samples, and weaker harmonics up to 3 kHz. */
function vowel(period: number, count: number, amplitude = 5_000): Int16Array {
  return Int16Array.from({ length: count }, (_, i) => {
    let sample = 0;
    for (let harmonic = 1; harmonic < period / 2.7; harmonic += 1) {
      sample += Math.sin((2 * Math.PI * harmonic * i) / period + harmonic * harmonic) / harmonic;
    }
    return Math.round(amplitude * sample);
  });
}

function frameOf(samples: Int16Array, index: number): Int16Array {
  return samples.slice(index * frameLength, (index + 1) * frameLength);
}

/** A concealment that has heard the frames `from` to before `until`. */
function listened(samples: Int16Array, until: number, from = 0): Concealment {
  const concealment = new Concealment();
  for (let i = from; i < until; i += 1) concealment.good(frameOf(samples, i));
  return concealment;
}

function concealed(concealment: Concealment, count: number): Int16Array {
  const out = new Int16Array(count);
  concealment.conceal(out);
  return out;
}

function errorDb(made: Int16Array, truth: Int16Array): number {
  const error = made.reduce((sum, sample, i) => sum + (sample - truth[i]!) ** 2, 0);
  const power = truth.reduce((sum, sample) => sum + sample ** 2, 0);
  return 10 * Math.log10(error / power);
}

test('without a loss every frame passes unchanged', () => {
  const speech = vowel(63, 20 * frameLength);
  const concealment = new Concealment();
  for (let i = 0; i < 20; i += 1) {
    const frame = frameOf(speech, i);
    concealment.good(frame);
    expect(frame).toEqual(frameOf(speech, i));
  }
});

test.each([40, 41, 57, 80, 99, 120])('a vowel with a period of %d samples goes on at its pitch for 10 ms', (period) => {
  const speech = vowel(period, 5 * frameLength);
  const made = concealed(listened(speech, 4), 80);
  expect(errorDb(made, speech.slice(4 * frameLength, 4 * frameLength + 80))).toBeLessThan(-40);
});

test('a voice whose period is no whole number of samples goes on too', () => {
  const speech = vowel(61.4, 5 * frameLength);
  const made = concealed(listened(speech, 4), 80);
  expect(errorDb(made, speech.slice(4 * frameLength, 4 * frameLength + 80))).toBeLessThan(-12);
});

test('neither the seam nor a repetition steps further than the voice itself', () => {
  // A hum on a rising line: each period begins 1600 higher than the one before, so every bare joint would step by that.
  const hum = (i: number) => 5_000 * Math.sin((2 * Math.PI * i) / 80) + 20 * (i - 560);
  const speech = Int16Array.from({ length: 4 * frameLength }, (_, i) => Math.round(hum(i)));
  const stepsOf = (samples: Int16Array) => [...samples.slice(1)].map((sample, i) => Math.abs(sample - samples[i]!));
  const made = concealed(listened(speech, 4), 480);
  const joined = Int16Array.of(speech.at(-1)!, ...made);
  expect(Math.max(...stepsOf(joined))).toBeLessThan(1.2 * Math.max(...stepsOf(speech)));
});

test('a long loss keeps its level for 10 ms, loses a fifth of it every 10 ms and is silent from 60 ms on', () => {
  const speech = vowel(80, 4 * frameLength);
  const made = concealed(listened(speech, 4), 640);
  const level = (stage: number) => levelDbfs(made.subarray(stage * 80, (stage + 1) * 80));
  const shares = [0, 1, 2, 3, 4, 5].map((stage) => 10 ** ((level(stage) - level(0)) / 20));
  [1, 0.9, 0.7, 0.5, 0.3, 0.1].forEach((share, stage) => expect(Math.abs(shares[stage]! - share)).toBeLessThan(0.05));
  expect(made.subarray(480).every((sample) => sample === 0)).toBe(true);
});

test('a voice that changes is repeated in longer stretches as the loss goes on', () => {
  // Each period differs from the one before, so that which of them sounds can be told from its level.
  const speech = vowel(80, 4 * frameLength).map((sample, i) => Math.round(sample * (0.2 + (0.8 * i) / 640)));
  const made = concealed(listened(speech, 4), 240);
  const peakOf = (from: number) => Math.max(...made.subarray(from + 20, from + 60));
  // The second stage begins one period further back and the third two, each a tenth quieter, beyond the fade itself.
  expect(peakOf(80)).toBeLessThan(peakOf(0) * 0.87);
  expect(peakOf(160)).toBeLessThan(peakOf(0) * 0.65);
});

test('the filling does not depend on how the loss is cut into frames', () => {
  const speech = vowel(71, 4 * frameLength);
  const whole = concealed(listened(speech, 4), 480);
  const concealment = listened(speech, 4);
  const parts = [160, 80, 1, 79, 160].flatMap((count) => [...concealed(concealment, count)]);
  expect(Int16Array.from(parts)).toEqual(whole);
});

test('when speech returns only its first 10 ms are blended, and the frame after is left alone', () => {
  const random = seededRandom(5);
  const speech = Int16Array.from({ length: 10 * frameLength }, () => Math.round(8_000 * (random.fraction() - 0.5)));
  const concealment = listened(speech, 4);
  concealed(concealment, 3 * frameLength);
  const returning = frameOf(speech, 7);
  concealment.good(returning);
  const truth = frameOf(speech, 7);
  expect(returning.slice(80)).toEqual(truth.slice(80));
  expect(returning.slice(0, 80)).not.toEqual(truth.slice(0, 80));
  const next = frameOf(speech, 8);
  concealment.good(next);
  expect(next).toEqual(frameOf(speech, 8));
});

test('after one lost frame the blend is a quarter period and 4 ms long', () => {
  const speech = vowel(80, 4 * frameLength);
  const concealment = listened(speech, 4);
  concealed(concealment, frameLength);
  const returning = new Int16Array(frameLength);
  concealment.good(returning);
  expect(returning.subarray(0, 52).some((sample) => sample !== 0)).toBe(true);
  expect(returning.subarray(20, 52).some((sample) => sample !== 0)).toBe(true);
  expect(returning.subarray(52).every((sample) => sample === 0)).toBe(true);
});

test('speech that returns after a muted loss comes up from silence', () => {
  const speech = vowel(64, 12 * frameLength);
  const concealment = listened(speech, 4);
  concealed(concealment, 5 * frameLength);
  const returning = new Int16Array(frameLength).fill(8_000);
  concealment.good(returning);
  expect(returning[0]).toBeLessThan(200);
  expect(returning.slice(0, 80).every((sample, i) => i === 0 || sample > returning[i - 1]!)).toBe(true);
  expect(returning[100]).toBe(8_000);
});

test('a second loss is filled from what was heard since the first', () => {
  const before = vowel(50, 4 * frameLength);
  const after = vowel(90, 8 * frameLength);
  const concealment = listened(before, 4);
  concealed(concealment, frameLength);
  for (let i = 0; i < 4; i += 1) concealment.good(frameOf(after, i));
  const made = concealed(concealment, 80);
  expect(errorDb(made, after.slice(4 * frameLength, 4 * frameLength + 80))).toBeLessThan(-40);
});

test('losing every tenth frame of a vowel is far better concealed than left silent', () => {
  const speech = vowel(66.7, 50 * frameLength);
  const concealment = new Concealment();
  let worstDb = -Infinity;
  for (let i = 0; i < 50; i += 1) {
    const frame = frameOf(speech, i);
    if (i % 10 === 9) concealment.conceal(frame);
    else concealment.good(frame);
    worstDb = Math.max(worstDb, errorDb(frame, frameOf(speech, i)));
  }
  expect(worstDb).toBeLessThan(-6);
});

test('silence, and a loss before anything was heard, are filled with silence', () => {
  expect(concealed(new Concealment(), 320).every((sample) => sample === 0)).toBe(true);
  const quiet = listened(new Int16Array(4 * frameLength), 4);
  expect(concealed(quiet, 320).every((sample) => sample === 0)).toBe(true);
});

test('a seam at full scale is clipped, never wrapped around', () => {
  const loud = Int16Array.from({ length: 4 * frameLength }, (_, i) => (i % 50 < 25 ? 30_000 : -30_000));
  // The loss comes in the middle of a high half, after a click that the period before did not have.
  const end = 3 * frameLength + 130;
  const concealment = new Concealment();
  loud[end - 1] = 32_767;
  loud[end - 51] = -20_000;
  concealment.good(loud.slice(0, end));
  expect(concealed(concealment, 5)[0]).toBe(32_767);
});

test('frames of 10, 30 and 60 ms are welcome', () => {
  for (const length of [80, 240, 480]) {
    const speech = vowel(80, 4 * 480);
    const concealment = new Concealment();
    for (let at = 0; at < speech.length; at += length) concealment.good(speech.slice(at, at + length));
    const truth = vowel(80, 4 * 480 + 80).slice(-80);
    expect(errorDb(concealed(concealment, 80), truth)).toBeLessThan(-40);
  }
});

test('after a reset the past is forgotten', () => {
  const concealment = listened(vowel(63, 4 * frameLength), 4);
  concealed(concealment, frameLength);
  concealment.reset();
  const frame = vowel(63, frameLength);
  concealment.good(frame);
  expect(frame).toEqual(vowel(63, frameLength));
  concealment.reset();
  expect(concealed(concealment, frameLength).every((sample) => sample === 0)).toBe(true);
});
