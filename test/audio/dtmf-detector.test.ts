import { readdirSync } from 'node:fs';
import { join } from 'node:path';

import type { DtmfKey } from '../../src/audio/dtmf-detector';
import { DtmfDetector } from '../../src/audio/dtmf-detector';
import { decodeG711, encodeG711 } from '../../src/audio/g711';
import { readWavFile } from '../../src/audio/wav';
import { seededRandom } from '../../src/runtime/random';
import { speechLike } from '../../src/simulator/speech-like';
import { dtmfTone as tone } from './dtmf-tones';

const allKeys = '0123456789*#ABCD'.split('') as DtmfKey[];
const silence = (ms: number): Int16Array => new Int16Array(ms * 8);

/** As it comes out of a telephone: through G.711, in frames of 20 ms. */
function heard(...parts: Int16Array[]): string {
  let found = '';
  const detector = new DtmfDetector((key) => (found += key));
  const samples = Int16Array.from(parts.flatMap((part) => [...part]));
  const coded = new Uint8Array(samples.length);
  encodeG711('pcmu', samples, coded);
  decodeG711('pcmu', coded, samples);
  for (let at = 0; at < samples.length; at += 160) detector.process(samples.subarray(at, at + 160));
  return found;
}

test.each(allKeys)('key %s is told once, however long it is held', (key) => {
  expect(heard(silence(20), tone(key, { ms: 60 }), silence(60))).toBe(key);
  expect(heard(silence(20), tone(key, { ms: 3_000 }), silence(60))).toBe(key);
});

test('the same key twice is told twice when there are 40 ms between', () => {
  expect(heard(tone('5', { ms: 50 }), silence(45), tone('5', { ms: 50 }), silence(40))).toBe('55');
});

test('of a thousand keys none is wrong: loud and faint, off by 1.5 %, twisted, in noise, at any offset', () => {
  const random = seededRandom(42);
  const between = (least: number, most: number): number => least + random.fraction() * (most - least);
  const sent: DtmfKey[] = [];
  const parts: Int16Array[] = [];
  for (let n = 0; n < 1_000; n += 1) {
    const key = allKeys[Math.floor(random.fraction() * 16)]!;
    const lowDb = between(-28, -10);
    sent.push(key);
    parts.push(silence(Math.round(between(45, 90))).subarray(0, Math.round(between(360, 700))));
    const highDb = lowDb + between(-6, 3);
    parts.push(
      tone(key, {
        ms: Math.round(between(42, 120)),
        lowDb,
        highDb,
        offBy: between(-0.015, 0.015),
        noiseDb: lowDb - 24,
        seed: n,
      }),
    );
  }
  expect(heard(...parts, silence(60))).toBe(sent.join(''));
});

test('a tone of 23 ms is no key, nor is one tone alone, nor a ringing tone', () => {
  expect(heard(silence(31), tone('5', { ms: 23 }), silence(60))).toBe('');
  expect(heard(tone('5', { ms: 500, highDb: -90 }), tone('5', { ms: 500, lowDb: -90 }))).toBe('');
  const ringing = Int16Array.from({ length: 8_000 }, (_, n) => {
    return Math.round(8_000 * (Math.sin((2 * Math.PI * 440 * n) / 8_000) + Math.sin((2 * Math.PI * 480 * n) / 8_000)));
  });
  expect(heard(ringing)).toBe('');
});

test('speech and music have no keys in them', async () => {
  const names = readdirSync('audio').filter((name) => name.endsWith('.wav'));
  expect(names.length).toBeGreaterThan(15);
  for (const name of names) {
    const samples = await readWavFile(join('audio', name), 8_000).catch(() => undefined);
    if (samples !== undefined) expect({ name, keys: heard(samples) }).toEqual({ name, keys: '' });
  }
  for (let seed = 0; seed < 6; seed += 1) {
    const voice = speechLike({ lengthMs: 10_000, random: seededRandom(seed) }).samples;
    // Two of three samples are left out: a voice of another pitch.
    expect({ seed, keys: heard(voice.filter((_, n) => n % 3 === 0)) }).toEqual({ seed, keys: '' });
  }
});

test('after a reset nothing of the tone before counts', () => {
  const told: string[] = [];
  const detector = new DtmfDetector((key) => told.push(key));
  detector.process(tone('1', { ms: 20 }));
  detector.reset();
  detector.process(tone('1', { ms: 20 }));
  expect(told).toEqual([]);
  expect(detector.sounding).toBeUndefined();
});
