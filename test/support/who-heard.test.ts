import { ToneGenerator } from '../../src/audio/tone';
import { heardBy, inOrder, lineOf, sounds } from './who-heard';

const voices = { agent: 610, human: 440 };

function tone(hz: number, ms: number): Int16Array {
  const samples = new Int16Array(ms * 8);
  new ToneGenerator(8_000, hz, -10).fill(samples);
  return samples;
}

/** A phone whose packets came every 20 ms from `originMs` on, without those of `lost`. */
function phoneWith(samples: Int16Array, { originMs, lost }: { originMs: number; lost?: { from: number; to: number } }) {
  const frames = Array.from({ length: samples.length / 160 }, (_, i) => i).filter(
    (i) => lost === undefined || i * 20 < lost.from || i * 20 >= lost.to,
  );
  return {
    packets: frames.map((i) => ({ atMs: originMs + i * 20 })),
    audio: ({ from = 0, to = frames.length }: { from?: number; to?: number } = {}): Int16Array =>
      Int16Array.of(...frames.slice(from, to).flatMap((i) => [...samples.subarray(i * 160, (i + 1) * 160)])),
  } as unknown as Parameters<typeof heardBy>[0];
}

const joined = (...parts: Int16Array[]): Int16Array => Int16Array.of(...parts.flatMap((part) => [...part]));

test('who was heard when, from the origin on', () => {
  const phone = phoneWith(joined(tone(610, 1_000), new Int16Array(8_000), tone(440, 1_000)), { originMs: 5_000 });
  expect(lineOf(heardBy(phone, voices, 5_000))).toBe('agent 0.0-1.0, silence 1.0-2.0, human 2.0-3.0');
});

test('no packet is not silence, and neither is a sound', () => {
  const phone = phoneWith(tone(610, 3_000), { originMs: 0, lost: { from: 1_000, to: 2_000 } });
  const heard = inOrder(heardBy(phone, voices, 0));
  expect(heard).toEqual(['agent', 'nothing', 'agent']);
  expect(sounds(heard)).toEqual(['agent']);
});

test('a note of music that is a voice by its pitch is not alone, and is music', () => {
  const other = tone(523, 2_000);
  const chord = tone(610, 2_000).map((sample, i) => (sample + (other[i] ?? 0)) / 2);
  expect(inOrder(heardBy(phoneWith(chord, { originMs: 0 }), voices, 0))).toEqual(['music']);
});
