import type { Recording } from '../../src/audio/recording';
import { createRateConverter } from '../../src/audio/resampler';
import { Whisper } from '../../src/call/whisper';

const voice = (ms: number, rateHz: number) =>
  Int16Array.from({ length: (ms * rateHz) / 1_000 }, (_, i) => 9_000 * Math.sin((i * 3_000) / rateHz));

/** What is told of a sound and the pause after it. */
function told(samples: Int16Array, rateHz: 8_000 | 24_000): Recording[] {
  const utterances: Recording[] = [];
  const whisper = new Whisper({ fromHz: rateHz, sink: (speech) => utterances.push(speech) });
  const [all, frame] = [new Int16Array(samples.length + rateHz), rateHz / 50];
  all.set(samples);
  for (let at = 0; at + frame <= all.length; at += frame) whisper.push(all.subarray(at, at + frame));
  return utterances;
}

test.each([8_000, 24_000] as const)(
  'an utterance from %i Hz is there at both rates when it is over, as long as it was',
  (rateHz) => {
    const said = voice(1_000, rateHz);
    const [utterance, ...others] = told(said, rateHz);
    expect(others).toEqual([]);
    const lengthMs = (utterance?.[8_000].length ?? 0) / 8;
    expect(lengthMs).toBeGreaterThanOrEqual(1_600);
    expect(utterance?.[24_000].length).toBe(lengthMs * 24);
    expect(utterance?.[rateHz].subarray(0, said.length)).toEqual(said);
    const toHz = rateHz === 8_000 ? 24_000 : 8_000;
    const converted = new Int16Array((said.length * toHz) / rateHz);
    createRateConverter(rateHz, toHz).process(said, converted);
    expect(utterance?.[toHz].subarray(0, converted.length)).toEqual(converted);
  },
);
